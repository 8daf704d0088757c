package top

import (
	"strconv"
	"strings"
	"time"

	"h2trace/export/scan"
)

// request is a request that is in flight, or that ended not long ago.
type request struct {
	conn   *conn
	stream int64
	text   string
	bytes  Pair
	window Window
	begun  int64 // Unix nanoseconds
	state  string
	took   time.Duration
	ended  time.Time
	bad    bool
}

// request takes that one begins.
func (m *Model) request(e *scan.Object, ns int64) {
	p, c := m.owners(e)
	for _, to := range m.meters(p, c) {
		to.InFlight++
	}
	switch {
	case c == nil:
		m.beyond++
		return
	case m.requests >= maxRequests:
		m.ever.unlisted++
		c.beyond++
		return
	}
	stream, _ := scan.Integer(e.Get("stream"))
	r := &request{conn: c, stream: stream, begun: ns, state: "open", text: nameOf(e)}
	if stream == 0 {
		c.pipeline = append(c.pipeline, r)
		m.requests++
		return
	}
	if c.opening.stream == stream {
		r.bytes, r.window = c.opening.bytes, c.opening.window
	}
	if c.streams[stream] == nil {
		m.requests++
	}
	c.streams[stream] = r
}

// take returns the request in flight that an exchange ends, nil if it has no row. was says
// whether there was one in flight.
func (m *Model) take(c *conn, stream int64) (r *request, was bool) {
	switch {
	case c == nil && m.beyond > 0:
		m.beyond--
		return nil, true
	case c == nil:
		return nil, false
	case stream == 0 && len(c.pipeline) > 0:
		r, c.pipeline = c.pipeline[0], c.pipeline[1:]
	case stream != 0 && c.streams[stream] != nil:
		r = c.streams[stream]
		delete(c.streams, stream)
	case c.beyond > 0:
		c.beyond--
		return nil, true
	default:
		return nil, false
	}
	m.requests--
	return r, true
}

// exchange takes that a request ended. One that is open when the observation ends has not.
func (m *Model) exchange(e *scan.Object, ns int64) {
	p, c := m.owners(e)
	if e.Is("open", "true") {
		return
	}
	n := Pair{Sent: count(e.Get("request_bytes")), Received: count(e.Get("response_bytes"))}
	if c != nil && !c.client {
		n.Sent, n.Received = n.Received, n.Sent
	}
	http1 := strings.HasPrefix(string(e.Word("protocol")), "http/1")
	took, timed := scan.Millis(e.Get("total_ms"))
	stream, _ := scan.Integer(e.Get("stream"))
	r, was := m.take(c, stream)
	for _, to := range m.meters(p, c) {
		if was && to.InFlight > 0 { // of a process, some may have begun before it got a row
			to.InFlight--
		}
		to.Requests++
		if hasFailed(e) {
			to.Failed++
		}
		if timed {
			to.Took += took
			to.Timed++
		}
		if http1 && (c == nil || !c.moved) {
			to.Bytes.add(n)
		}
	}
	if c == nil {
		return
	}
	if r == nil {
		r = &request{conn: c, stream: stream, bytes: n, begun: ns, text: nameOf(e)}
	}
	if http1 {
		r.bytes = n
	}
	r.end(e, ns, took)
	m.ended.requests = keep(m.ended.requests, r)
}

// end notes how a request ended.
func (r *request) end(e *scan.Object, ns int64, took time.Duration) {
	r.ended, r.took, r.bad = time.Unix(0, ns), took, hasFailed(e)
	status := e.Get("status")
	switch grpc := grpcStatus(e); {
	case grpc > 0:
		r.state = "grpc " + strconv.FormatInt(grpc, 10)
	case scan.Known(status):
		r.state = safe(status)
	default:
		r.state = safe(errorClass(e))
	}
}

// hasFailed reports whether an exchange has no complete, successful response.
func hasFailed(e *scan.Object) bool { return len(errorClass(e)) > 0 || grpcStatus(e) > 0 }

func errorClass(e *scan.Object) []byte { return scan.Bytes(e.Within("error", "class")) }

func grpcStatus(e *scan.Object) int64 {
	n, _ := scan.Integer(e.Get("grpc_status"))
	return n
}

// nameOf returns method and URL.
func nameOf(e *scan.Object) string {
	return strings.TrimSpace(safe(e.Word("method")) + " " + safe(e.Word("url")))
}

func (r *request) row(now time.Time) Row {
	row := Row{
		Conn: r.conn.name, Stream: r.stream, Text: r.text, State: r.state, Proto: r.conn.proto,
		Window: r.window, Age: r.took, Ended: r.ended, Bad: r.bad,
	}
	row.Key = r.conn.id + "/" + strconv.FormatInt(r.stream, 10) + "/" + strconv.FormatInt(r.begun, 10)
	row.Bytes = r.bytes
	if r.ended.IsZero() {
		row.Age = max(0, now.Sub(time.Unix(0, r.begun)))
	}
	if p := r.conn.process; p != nil {
		row.Process, row.PID, row.Command = p.key, p.pid, p.command
	}
	return row
}
