package top

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// line returns an event as h2trace writes it, of a time after the begin.
func line(after time.Duration, kind, rest string) string {
	return fmt.Sprintf(`{"v":1,"ts":%q,"event":%q,"pid":7,"comm":"go",%s}`, began.Add(after).Format("2006-01-02T15:04:05.000000000Z"), kind, rest)
}

func framed(after time.Duration, conn, dir string, stream, length int, window string) string {
	return line(after, "frame", fmt.Sprintf(`"conn":%q,"dir":%q,"stream":%d,"type":"DATA","flags":["END_STREAM"],"length":%d,"data_length":%d,"window":{%s}`,
		conn, dir, stream, length, length, window))
}

func requested(after time.Duration, conn string, stream int) string {
	return line(after, "request", fmt.Sprintf(`"conn":%q,"stream":%d,"method":"GET","url":"https://a.example/%d","protocol":"h2","reused":false,"module":null,"via":null`,
		conn, stream, stream))
}

func ended(after time.Duration, conn string, stream int, rest string) string {
	return line(after, "exchange", fmt.Sprintf(`"conn":%q,"stream":%d,"method":"GET","url":"https://a.example/%d","status":200,"protocol":"h2",`+
		`"request_bytes":0,"response_bytes":9,"total_ms":20.000,"error":null%s`, conn, stream, stream, rest))
}

const open = `"conn":"c1","action":"open","local":"192.0.2.9:5","remote":"192.0.2.1:443","role":"client","protocol":"h2","tls":{"sni":"a.example"},"name":"a.example"`

// state returns that of a Model, two seconds after its begin.
func state(v View, lines ...string) *State { return stateOf(modelOf(lines...), v) }

func modelOf(lines ...string) *Model {
	m := New(began)
	for _, l := range lines {
		m.Add([]byte(l))
	}
	m.Tick(began.Add(2 * time.Second))
	return m
}

func stateOf(m *Model, v View) *State {
	s := m.State(began.Add(2*time.Second), v)
	Order{}.Sort(v, s.Rows)
	return s
}

// TestModel has requests in flight, ended and open at the end.
func TestModel(t *testing.T) {
	full := `"conn_send":100,"conn_recv":200,"stream_send":300,"stream_recv":0`
	m := modelOf(
		line(0, "process", `"action":"attached","exe":"/usr/bin/go"`),
		line(0, "conn", open),
		framed(0, "c1", "send", 1, 41, `"conn_send":1,"conn_recv":null,"stream_send":3,"stream_recv":4`),
		requested(0, "c1", 1),
		framed(0, "c1", "send", 3, 41, `"conn_send":1,"conn_recv":2,"stream_send":3,"stream_recv":4`),
		requested(0, "c1", 3),
		framed(time.Second, "c1", "recv", 1, 991, full),
		framed(time.Second, "c1", "recv", 3, 1991, full),
		ended(time.Second, "c1", 1, ""),
		line(time.Second, "stall", `"conn":"c1","stream":3,"side":"recv_window","stall_ms":12.500`),
		`{"v":1,"ts":"2026-11-30T09:00:01.000000000Z","event":"loss","reason":"gap","records":3,"bytes":null,"conn":"c1"}`,
		ended(2*time.Second, "c1", 3, `,"open":true`),
	)
	total := stateOf(m, Processes).Total
	if total.InFlight != 1 || total.Requests != 1 || total.Failed != 0 || total.Bytes != (Pair{100, 3000}) || total.Frames != 4 ||
		total.Stalls != 1 || total.Stalled != 12500*time.Microsecond || total.Lost != 3 {
		t.Errorf("in all %+v", total)
	}
	if total.Rates.Requests != 0.5 || total.Rates.Received != 1500 || total.Rates.Sent != 50 || total.Rates.Took != 20*time.Millisecond {
		t.Errorf("rates %+v", total.Rates)
	}
	if p := stateOf(m, Processes).Rows; len(p) != 1 || p[0].Conns != 1 || p[0].InFlight != 1 || p[0].Bytes != total.Bytes || p[0].Lost != 3 {
		t.Errorf("processes %+v", p)
	}
	conns := stateOf(m, Connections).Rows
	if c := conns[0]; len(conns) != 1 || c.Peer != "a.example" || c.Proto != "h2" || c.Window != (Window{Credit{100, true}, Credit{200, true}}) || c.InFlight != 1 {
		t.Errorf("connections %+v", conns)
	}
	r := stateOf(m, Requests).Rows
	if len(r) != 2 || r[0].Stream != 3 || r[0].State != "open" || !r[0].Window.Receive.UsedUp() || r[0].Window.Send != (Credit{300, true}) || r[0].Bytes != (Pair{50, 2000}) || r[0].Age != 2*time.Second ||
		r[1].State != "200" || r[1].Ended.IsZero() || r[1].Age != 20*time.Millisecond || r[1].Text != "GET https://a.example/1" {
		t.Errorf("requests %+v", r)
	}
}

// TestEnds has connections and processes that end, and an id that is used again.
func TestEnds(t *testing.T) {
	m := modelOf(
		line(0, "process", `"action":"attached"`),
		line(0, "conn", open),
		requested(0, "c1", 1), requested(0, "c1", 3),
		line(1, "process", `"action":"exit","exit_code":2`),
		line(2, "conn", `"conn":"c1","action":"close","role":"client","protocol":"h2","bytes_sent":5,"bytes_received":6`),
		line(3, "process", `"action":"exec"`),
	)
	if n := stateOf(m, Processes).Total; n.InFlight != 0 || n.Open != 0 || n.Conns != 1 || n.Running != 1 || n.Processes != 2 {
		t.Errorf("in all %+v", n)
	}
	if p := stateOf(m, Processes).Rows; len(p) != 2 || !p[0].Ended.IsZero() || p[1].Note != "exited with status 2" || !p[1].Bad || p[1].InFlight != 0 || p[1].Conns != 0 ||
		p[1].Bytes != (Pair{}) || p[0].Key == p[1].Key {
		t.Errorf("processes %+v", p)
	}
	if c := stateOf(m, Connections).Rows; len(c) != 1 || c[0].Ended.IsZero() || c[0].Bytes != (Pair{5, 6}) {
		t.Errorf("connections %+v", c)
	}
}

// TestHTTP1 counts bytes at the end of exchanges, and those of pipelined ones in their order.
func TestHTTP1(t *testing.T) {
	const of = `"conn":"c1","stream":0,"method":"POST","url":"http://a.example/","protocol":"http/1.1"`
	m := modelOf(
		line(0, "conn", `"conn":"c1","action":"open","remote":"192.0.2.1:80","role":"server","protocol":"http/1.1"`),
		line(0, "request", of), line(1, "request", of),
		line(2, "exchange", of+`,"status":404,"request_bytes":10,"response_bytes":300,"total_ms":null,"error":{"class":"http_4xx"}`),
	)
	if n := stateOf(m, Requests).Total; n.InFlight != 1 || n.Requests != 1 || n.Failed != 1 || n.Bytes != (Pair{300, 10}) || n.Rates.Took != 0 {
		t.Errorf("in all %+v", n)
	}
}

// TestMoved counts bytes of HTTP/1.x as they go, and not again at the end.
func TestMoved(t *testing.T) {
	const of = `"conn":"c1","stream":0,"method":"GET","url":"http://a.example/","protocol":"http/1.1"`
	m := modelOf(line(0, "conn", `"conn":"c1","action":"open","role":"client","protocol":"http/1.1"`), line(0, "request", of))
	m.Moved([]byte("c1"), true, 40)
	m.Moved([]byte("c1"), false, 1000)
	m.Moved([]byte("c1"), false, -1)
	m.Moved([]byte("c2"), false, 7)
	if r := stateOf(m, Requests).Rows; len(r) != 1 || r[0].Bytes != (Pair{40, 1000}) {
		t.Errorf("in flight: %+v", r)
	}
	m.Add([]byte(line(0, "exchange", of+`,"request_bytes":0,"response_bytes":900,"status":200`)))
	if n := stateOf(m, Requests).Total; n.Bytes != (Pair{40, 1000}) || n.Requests != 1 || n.InFlight != 0 {
		t.Errorf("in all %+v", n)
	}
}

// TestJoinedLate has an exchange whose begin was not seen.
func TestJoinedLate(t *testing.T) {
	s := state(Requests, ended(0, "c1", 5, `,"grpc_status":14`))
	if n := s.Total; n.InFlight != 0 || n.Requests != 1 || n.Failed != 1 || len(s.Rows) != 1 || s.Rows[0].State != "grpc 14" {
		t.Errorf("%+v", s)
	}
}

// TestBounded has more of all than there is room for, all of it at once.
func TestBounded(t *testing.T) {
	m := New(began)
	const conns, streams, processes = maxConns + 100, maxRequests + 1000, maxProcesses + 50
	for i := range conns {
		m.Add([]byte(strings.ReplaceAll(line(0, "conn", open), "c1", fmt.Sprint("c", i))))
	}
	for i := range streams {
		m.Add([]byte(requested(0, "c1", 2*i+1)))
	}
	for i := range processes {
		m.Add([]byte(strings.Replace(line(0, "process", `"action":"attached"`), `"pid":7`, fmt.Sprint(`"pid":`, i+100), 1)))
	}
	for v, want := range map[View]int{Processes: maxProcesses, Connections: maxConns, Requests: maxRequests} {
		s := m.State(began, v)
		if len(s.Rows) != want || s.Total.InFlight != streams || s.Total.Conns != conns || s.Total.Unlisted == 0 {
			t.Errorf("%d %s, in all %+v", len(s.Rows), Views[v], s.Total)
		}
	}
	for i := range streams {
		m.Add([]byte(ended(0, "c1", 2*i+1, "")))
	}
	if s := m.State(began, Requests); s.Total.InFlight != 0 || s.Total.Requests != streams || len(s.Rows) != maxEnded {
		t.Errorf("after all have ended: %+v, %d rows", s.Total, len(s.Rows))
	}
}

// TestWhole has the rates of the whole observation at its end.
func TestWhole(t *testing.T) {
	m := New(began)
	for i := range 10 {
		m.Add([]byte(ended(time.Duration(i), "c1", i, "")))
	}
	m.Tick(began.Add(time.Second))
	m.Tick(began.Add(2 * time.Second))
	m.Whole(4 * time.Second)
	m.Tick(began.Add(5 * time.Second))
	if r := m.State(began, Processes).Total.Rates; r.Requests != 2.5 || r.Took != 20*time.Millisecond {
		t.Errorf("%+v", r)
	}
}
