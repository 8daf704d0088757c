package chrometrace

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// traceFile is a trace as its readers see it.
type traceFile struct {
	Events []traceEvent `json:"traceEvents"`
}

type traceEvent struct {
	Phase    string          `json:"ph"`
	Name     string          `json:"name"`
	Category string          `json:"cat"`
	PID      int64           `json:"pid"`
	TID      int64           `json:"tid"`
	At       float64         `json:"ts"` // as JavaScript has it
	Dur      float64         `json:"dur"`
	Args     json.RawMessage `json:"args"`
}

// converted returns the trace of some lines.
func converted(t testing.TB, lines string) traceFile {
	t.Helper()
	var b bytes.Buffer
	tr := New(&b)
	for line := range strings.Lines(lines) {
		if _, err := tr.Take([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	var f traceFile
	if err := json.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatalf("%v\n%.2000s", err, b.Bytes())
	}
	check(t, f)
	return f
}

// check demands that the spans of a lane nest, in the order in which they are written, and that
// each lane has a name, which no other process has.
func check(t testing.TB, f traceFile) {
	t.Helper()
	named := make(map[int64]int64) // process by thread
	lanes := make(map[place][]traceEvent)
	for _, e := range f.Events {
		at := place{e.PID, e.TID}
		switch e.Phase {
		case "M":
			if other, ok := named[e.TID]; ok && other != e.PID {
				t.Errorf("thread %d is one of process %d and of %d", e.TID, other, e.PID)
			}
			named[e.TID] = e.PID
		case "X":
			lanes[at] = append(lanes[at], e)
			fallthrough
		case "i", "C":
			if _, ok := named[e.TID]; !ok {
				t.Errorf("%s: lane %v has no name", e.Name, at)
			}
		}
	}
	for at, spans := range lanes {
		slices.SortStableFunc(spans, func(a, b traceEvent) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(b.Dur, a.Dur))
		})
		var open []traceEvent
		for _, s := range spans {
			for len(open) > 0 && s.At >= open[len(open)-1].At+open[len(open)-1].Dur {
				open = open[:len(open)-1]
			}
			if len(open) > 0 {
				outer := open[len(open)-1]
				if s.At+s.Dur > outer.At+outer.Dur {
					t.Errorf("lane %v: %s (%.0f, %.0f) overlaps %s (%.0f, %.0f)", at, s.Name, s.At, s.Dur, outer.Name, outer.At, outer.Dur)
				}
				if s.Category != "go" && (s.Category != "phase" || outer.Category == "phase") {
					t.Errorf("lane %v: %s is in %s", at, s.Name, outer.Name)
				}
			}
			if s.Dur > 0 {
				open = append(open, s)
			}
		}
	}
}

// stamp writes microseconds since 2026 as events have it.
func stamp(us int64) string {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(us) * time.Microsecond).Format(`"2006-01-02T15:04:05.000000000Z"`)
}

// micros2026 is when the times of stamp begin.
const micros2026 = 1767225600000000

// exchangeLine is an exchange of three phases.
func exchangeLine(conn string, stream, start, send, wait, receive int64) string {
	return fmt.Sprintf(`{"v":1,"ts":%s,"event":"exchange","pid":7,"comm":"go","conn":%q,"stream":%d,"method":"GET","url":"https://goproxy.example/m/@v/list?a=b",`+
		`"status":200,"send_ms":%.3f,"wait_ms":%.3f,"receive_ms":%.3f,"start":%s,"error":null}`+"\n",
		stamp(start+send+wait+receive), conn, stream, float64(send)/1e3, float64(wait)/1e3, float64(receive)/1e3, stamp(start))
}

// TestLanes converts requests that overlap in any way. They take as many lanes as are under way at
// once, and not one more.
func TestLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		type request struct{ begin, end int64 }
		var list []request
		for range 40 {
			begin := r.Int64N(1000)
			list = append(list, request{begin, begin + r.Int64N(200)})
		}
		slices.SortFunc(list, func(a, b request) int { return cmp.Compare(a.end, b.end) })
		var lines strings.Builder
		for i, q := range list {
			lines.WriteString(exchangeLine("c1", int64(2*i+1), q.begin, 0, q.end-q.begin, 0))
		}
		lanes := make(map[int64]bool)
		for _, e := range converted(t, lines.String()).Events {
			if e.Category == "exchange" {
				lanes[e.TID] = true
			}
		}
		most := 0
		for _, q := range list {
			n := 0
			for _, o := range list {
				if o.begin <= q.begin && (q.begin < o.end || o.begin == o.end && o.begin == q.begin) {
					n++
				}
			}
			most = max(most, n)
		}
		if len(lanes) > most {
			t.Errorf("round %d: %d lanes for %d requests at once", round, len(lanes), most)
		}
	}
}

// TestSpans converts one event of each kind.
func TestSpans(t *testing.T) {
	lines := `{"v":1,"ts":` + stamp(0) + `,"event":"process","pid":7,"comm":"go","action":"exec","exe":"/usr/bin/go"}
{"v":1,"ts":` + stamp(900) + `,"event":"conn","pid":7,"comm":"go","action":"dns","dns_ms":0.400,"name":"goproxy.example","type":"A"}
{"v":1,"ts":` + stamp(1000) + `,"event":"conn","pid":7,"comm":"go","action":"failed","connect_ms":0.300,"name":"down.example","error":{"class":"connect","detail":"refused"}}
{"v":1,"ts":` + stamp(2000) + `,"event":"conn","pid":7,"comm":"go","conn":"c1","action":"open","remote":"192.0.2.1:443","name":"goproxy.example","connect_ms":0.500,"tls_ms":2.000}
{"v":1,"ts":` + stamp(4000) + `,"event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"https://goproxy.example/m/@v/list?a=b"}
{"v":1,"ts":` + stamp(4000) + `,"event":"request","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/never","module":{"path":"m","version":"v1.0.0","kind":"zip"}}
{"v":1,"ts":` + stamp(5000) + `,"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_send":10,"conn_recv":20,"stream_send":null,"stream_recv":-5}}
{"v":1,"ts":` + stamp(5000) + `,"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_send":10,"conn_recv":19,"stream_send":null,"stream_recv":-5}}
{"v":1,"ts":` + stamp(5500) + `,"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":0,"type":"GOAWAY","error":"NO_ERROR"}
{"v":1,"ts":` + stamp(5600) + `,"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","violation":"too long"}
{"v":1,"ts":` + stamp(6000) + `,"event":"stall","pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":9,"start":` + stamp(5100) + `,"stall_ms":0.700}
` + exchangeLine("c1", 1, 4000, 100, 1000, 1100) + `{"v":1,"ts":` + stamp(6500) + `,"event":"loss","reason":"gap","records":3,"bytes":null,"conn":"c1"}
{"v":1,"ts":` + stamp(7000) + `,"event":"process","pid":7,"comm":"go","action":"lock","path":"…/lock","wait_ms":1.000,"locked":true}
{"v":1,"ts":` + stamp(9000) + `,"event":"conn","pid":7,"comm":"go","conn":"c1","action":"close"}
{"v":1,"ts":` + stamp(9500) + `,"event":"process","pid":7,"comm":"go","action":"exit","exe":"/usr/bin/go","duration_ms":9.500,"exit_code":0}
`
	var got []string
	threads := make(map[int64]string)
	for _, e := range converted(t, lines).Events {
		switch e.Phase {
		case "M":
			if e.Name == "thread_name" {
				var name struct{ Name string }
				_ = json.Unmarshal(e.Args, &name)
				threads[e.TID] = name.Name
			}
		case "C":
			got = append(got, fmt.Sprintf("C %s: %.0f %s %s", threads[e.TID], e.At-micros2026, e.Name, e.Args))
		default:
			got = append(got, fmt.Sprintf("%s %s: %.0f+%.0f %s", e.Phase, threads[e.TID], e.At-micros2026, e.Dur, e.Name))
		}
	}
	want := strings.Split(`X lookups: 500+400 A goproxy.example
X failed connects: 700+300 connect: refused down.example
X failed connects: 700+300 connect
C c1 goproxy.example: 5000 c1 goproxy.example send_window {"bytes":10}
C c1 goproxy.example: 5000 c1 goproxy.example recv_window {"bytes":20}
C c1 requests: 5000 c1 requests recv_window {"bytes":-5}
C c1 goproxy.example: 5000 c1 goproxy.example recv_window {"bytes":19}
i c1 goproxy.example: 5500+0 GOAWAY NO_ERROR
i c1 requests: 5600+0 violation: too long
X c1 stalls: 5100+700 recv_window, stream 1
X c1 requests: 4000+2200 GET /m/@v/list?a=b
X c1 requests: 4000+100 send
X c1 requests: 4100+1000 wait
X c1 requests: 5100+1100 receive
i c1 goproxy.example: 6500+0 lost 3 records: gap
X locks: 6000+1000 lock lock
X c1 goproxy.example: 1500+7500 c1 goproxy.example
X c1 goproxy.example: 1500+500 connect
X c1 goproxy.example: 2000+2000 tls
X process: 0+9500 go
X c1 requests 2: 4000+5500 unfinished: zip m@v1.0.0`, "\n")
	for i := range max(len(want), len(got)) {
		a, b := "", ""
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			t.Errorf("got  %s\nwant %s", b, a)
		}
	}
}

// TestBegins converts what begins elsewhere than where it was seen first, and what does not end.
func TestBegins(t *testing.T) {
	conn := func(at int64, action string) string {
		return fmt.Sprintf(`{"v":1,"ts":%s,"event":"conn","pid":7,"conn":"c1","action":%q}`+"\n", stamp(at), action)
	}
	for name, c := range map[string]struct{ lines, want string }{
		"two connections of one id": {conn(1000, "open") + conn(2000, "open") + conn(3000, "close"), "c1 1000+1000; c1 2000+1000"},
		"of two recordings": {
			conn(9000, "open") + `{"v":1,"ts":` + stamp(9100) + `,"event":"summary"}` + "\n" + conn(100, "open") + conn(200, "resync"),
			"c1 9000+100; c1 100+100",
		},
		"a process joined late": {`{"v":1,"ts":` + stamp(9500) + `,"event":"process","pid":7,"action":"exit","exe":"/bin/go","duration_ms":9.000}` + "\n", "go 500+9000"},
		"phases longer than all": {
			`{"v":1,"ts":` + stamp(6000) + `,"event":"exchange","pid":7,"conn":"c1","method":"GET","url":"/","start":` + stamp(5000) +
				`,"send_ms":0.400,"wait_ms":2.000,"receive_ms":3.000}` + "\n",
			"GET / 5000+1000; send 5000+400; wait 5400+600",
		},
	} {
		var got []string
		for _, e := range converted(t, c.lines).Events {
			if e.Phase == "X" {
				got = append(got, fmt.Sprintf("%s %.0f+%.0f", e.Name, e.At-micros2026, e.Dur))
			}
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
	}
}

// TestUnfinished converts requests without an end, which are drawn in the order in which they began.
func TestUnfinished(t *testing.T) {
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, `{"v":1,"ts":%s,"event":"request","pid":7,"conn":"c1","stream":%d}`+"\n", stamp(int64(i)), 2*i+1)
	}
	last := 0.0
	for _, e := range converted(t, lines.String()).Events {
		if e.Phase == "X" && e.At < last {
			t.Errorf("the span of %.0f comes after that of %.0f", e.At, last)
		}
		last = max(last, e.At)
	}
}
