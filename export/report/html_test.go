package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"h2trace/export/report/page"
)

// wantWholePaths demands that the drawn critical path of each run is the one that was summed up:
// its pieces follow each other from the begin of the run to its end, and those of each part are
// as long as that part.
func wantWholePaths(t *testing.T, b *Builder) {
	t.Helper()
	for _, d := range b.timeline.runs {
		if !d.clock {
			continue
		}
		var sum parts
		now := d.begin
		for _, p := range d.pieces {
			if p.begin != now {
				t.Errorf("a piece of the critical path begins at %d, and the one before it ended at %d", p.begin-d.begin, now-d.begin)
			}
			sum[p.part] += p.length()
			now = p.end
		}
		if sum != d.spent && b.timeline.leftOut.pieces == 0 || len(d.pieces) > 0 && now != d.end {
			t.Errorf("the critical path is drawn as %v up to %v, and is %v up to %v", sum, now.sub(d.begin), d.spent, d.end.sub(d.begin))
		}
	}
}

// drawnData returns the data of the page of events.
func drawnData(t *testing.T, events string) *page.Data {
	t.Helper()
	b := NewBuilder()
	b.HTML()
	if err := b.Read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	return dataOf(t, b)
}

func dataOf(t *testing.T, b *Builder) *page.Data {
	t.Helper()
	var out bytes.Buffer
	if err := b.WriteHTML(&out, b.Report()); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(out.String(), `id="data">`)
	text, _, _ = strings.Cut(text, "</script>")
	d := new(page.Data)
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHTML compares what a page has with the events.
func TestHTML(t *testing.T) {
	var w writer
	w.command(0)
	w.line(30, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","remote":"192.0.2.1:443","role":"client","joined":"start","tls":{"version":"TLS 1.3"},"dns_ms":10.000,"connect_ms":20.000,"tls_ms":40.000,"name":"goproxy.example"`)
	w.exchange(exchange{begin: 0, dns: 10, connect: 20, tls: 40, wait: 100, receive: 30, url: "https://goproxy.example/m/@v/list", kind: "list", module: "m"})
	w.exchange(exchange{begin: 250, wait: 50, url: "https://goproxy.example/m/@v/v1.zip", kind: "zip", module: "m", status: 404, class: "http_4xx"})
	for i, credit := range []int{65535, 32768, 0, 0, 65535} {
		w.line(300+float64(i), "frame", `"pid":7,"comm":"go","conn":"c1","dir":"recv","stream":3,"type":"DATA","window":{"conn_send":null,"conn_recv":100000,"stream_send":null,"stream_recv":%d}`, credit)
	}
	w.line(304, "stall", `"pid":7,"comm":"go","conn":"c1","stream":3,"side":"recv_window","window":65535,"start":%q,"stall_ms":2.000,"ended_by":"WINDOW_UPDATE"`, at(302))
	w.failed(400, "other.example", "192.0.2.9:443", "connect", "ECONNREFUSED")
	w.exit(500, 0)
	d := drawnData(t, w.String())

	if len(d.Runs) != 1 || len(d.LeftOut) != 0 {
		t.Fatalf("got %d runs, left out %q", len(d.Runs), d.LeftOut)
	}
	r := d.Runs[0]
	if r.Wall != 500_000 || r.Outcome != "exit status 0" || len(r.Processes) != 1 || r.Processes[0].Name != "go" || r.Processes[0].End != 500_000 {
		t.Errorf("got %d µs, %q, processes %+v", r.Wall, r.Outcome, r.Processes)
	}
	if len(r.Conns) != 2 || r.Conns[0].Phases != [3]int64{10_000, 20_000, 40_000} || r.Conns[0].Begin != 0 || r.Conns[1].Failed != "connect: ECONNREFUSED" {
		t.Errorf("got connections %+v", r.Conns)
	}
	x := r.Exchanges
	got := fmt.Sprint(x.Begin, x.Total, x.Phases, x.Status, x.Path, x.Conn, " "+d.Names[x.Origin[0]]+" "+d.Names[x.Kind[1]]+" "+d.Names[x.Class[1]])
	want := "[0 250000] [200000 50000] [10000 20000 40000 0 100000 30000 0 0 0 0 50000 0] [200 404] [/m/@v/list /m/@v/v1.zip] [0 0] https://goproxy.example zip http_4xx"
	if got != want {
		t.Errorf("got exchanges\n%s, want\n%s", got, want)
	}
	curves := r.Conns[0].Curves
	if len(curves) != 1 || curves[0].Stream != 3 || !curves[0].Recv || fmt.Sprint(curves[0].At, curves[0].Bytes) != "[300000 301000 302000 304000] [65535 32768 0 65535]" {
		t.Errorf("got curves %+v", curves)
	}
	if s := r.Stalls; len(s) != 1 || s[0].Begin != 302_000 || s[0].Length != 2000 || !s[0].Recv || s[0].Conn != 0 {
		t.Errorf("got stalls %+v", s)
	}
	var pieces []string
	for i, part := range r.Path.Part {
		pieces = append(pieces, fmt.Sprintf("%s %d %d.%d", d.Parts[part], r.Path.Length[i]/1000, r.Path.Of[i], r.Path.At[i]))
	}
	if got, want := strings.Join(pieces, ", "), "dns 10 1.0, connect 20 1.0, tls 40 1.0, wait 100 1.0, receive 30 1.0, process itself 50 0.0, "+
		"wait 50 1.1, process itself 95 0.0, connect 5 2.1, process itself 100 0.0"; got != want {
		t.Errorf("got the critical path %s, want %s", got, want)
	}
}

// TestHTMLBounds has more of everything than a page has. What matters most stays, and the page
// says how much is left out.
func TestHTMLBounds(t *testing.T) {
	var w writer
	w.command(0)
	const many = 3 * maxDrawn
	for i := range many {
		x := exchange{begin: float64(i), wait: 0.5 + float64(i%1000)/1e4, url: fmt.Sprintf("https://goproxy.example/m%d", i), conn: fmt.Sprintf("c%d", i%(maxDrawnConns+100))}
		switch i {
		case 17:
			x.class, x.status = "http_5xx", 500
		case 18:
			x.wait = 5000
		}
		w.exchange(x)
	}
	for i := range 3 * maxDrawnStalls {
		w.line(many, "stall", `"pid":7,"comm":"go","conn":"c1","stream":1,"side":"recv_window","window":1,"start":%q,"stall_ms":%d.000`, at(1), i)
	}
	for i := range maxDrawnProcesses + 10 {
		w.tool(many, many+1, 100+i, "/usr/bin/compile", "", 0)
	}
	w.exit(many+10, 0)
	b := NewBuilder()
	b.HTML()
	if err := b.Read(strings.NewReader(w.String())); err != nil {
		t.Fatal(err)
	}
	if h := b.timeline.held; h.exchanges > maxDrawn*5/4 || h.conns > maxDrawnConns || h.processes > maxDrawnProcesses || h.stalls > 2*maxDrawnStalls || h.points > 2*maxPoints {
		t.Errorf("holds %+v", h)
	}
	d := dataOf(t, b)
	x := d.Runs[0].Exchanges
	all := strings.Join(x.Path, " ") + " "
	if len(x.Path) != maxDrawn || !strings.Contains(all, "/m17 ") || !strings.Contains(all, "/m18 ") {
		t.Errorf("%d exchanges are drawn; that which failed: %v, the longest: %v", len(x.Path), strings.Contains(all, "/m17 "), strings.Contains(all, "/m18 "))
	}
	if s := d.Runs[0].Stalls; len(s) != maxDrawnStalls {
		t.Errorf("%d stalls are drawn", len(s))
	}
	left := strings.Join(d.LeftOut, "\n")
	for _, want := range []string{"20000 exchanges are not drawn", "8192 stalls are not drawn", "11 processes are not drawn", "drawn without the connection"} {
		if !strings.Contains(left, want) {
			t.Errorf("%q is not in\n%s", want, left)
		}
	}
}

// TestCurve has windows at random: the least credit stays, points are in order, and there are not
// too many.
func TestCurve(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var c curve
		least, held, now := int64(1)<<40, 0, wallTime(1e18)
		var leastAt wallTime
		for range 1 + r.IntN(5000) {
			now += wallTime(r.Int64N(1e9)) - 1e6 // now and then backwards
			bytes := r.Int64N(1<<30) - 100
			held += c.add(now, bytes, maxStreamPoints)
			if bytes < least {
				least, leastAt = bytes, c.last.at
			}
		}
		found := false
		for i, p := range c.points {
			found = found || p == point{leastAt, least}
			if i > 0 && p.at < c.points[i-1].at {
				t.Fatalf("seed %d: point %d is before the one before it", seed, i)
			}
		}
		if !found || c.least != least || len(c.points) >= maxStreamPoints || held != len(c.points) {
			t.Errorf("seed %d: least %d, want %d, with its time: %v; %d points, counted as %d", seed, c.least, least, found, len(c.points), held)
		}
	}
}

// TestCurvesAreBounded has more streams with windows that change than are drawn, open and ended.
func TestCurvesAreBounded(t *testing.T) {
	var w writer
	w.command(0)
	for conn := range 120 {
		for stream := range 80 {
			for i := range 12 {
				w.line(float64(i), "frame", `"pid":7,"comm":"go","conn":"c%d","dir":"recv","stream":%d,"window":{"conn_recv":%d,"stream_recv":%d}`,
					conn, 2*stream+1, 1<<20-i-stream, 1<<20-i*(120-conn))
			}
			if stream == 0 { // before, the connection is not known
				w.exchange(exchange{begin: 20, url: "https://goproxy.example/", conn: fmt.Sprint("c", conn)})
			}
		}
	}
	w.exit(50, 0)
	b := NewBuilder()
	b.HTML()
	if err := b.Read(strings.NewReader(w.String())); err != nil {
		t.Fatal(err)
	}
	h := b.timeline.held
	points, ended := 0, 0
	for _, c := range b.timeline.runs[0].conns {
		for _, one := range c.curves {
			points, ended = points+len(one.points), ended+1
		}
	}
	if h.points > 2*maxPoints || h.open != 0 || h.points != points || h.ended != ended {
		t.Errorf("holds %+v, of windows that have ended %d with %d points", h, ended, points)
	}
	d, drawn, least := dataOf(t, b), 0, int64(1<<40)
	for _, c := range d.Runs[0].Conns {
		for _, one := range c.Curves {
			drawn += len(one.At)
			least = min(least, slices.Min(one.Bytes))
		}
	}
	left := strings.Join(d.LeftOut, "\n")
	if drawn > maxDrawnPoints || least != 1<<20-11*120 || !strings.Contains(left, "windows are not drawn") || !strings.Contains(left, "changes of windows") {
		t.Errorf("%d points are drawn, the least credit is %d; left out: %s", drawn, least, left)
	}
}

// TestTrackIsBounded has a critical path of more pieces than are kept.
func TestTrackIsBounded(t *testing.T) {
	var tr track
	const n = 10 * maxPieces
	for i := n; i > 0; i-- { // as walk finds them
		tr.rest(wallTime(i), wallTime(i+1), partOther, nil)
		if len(tr.list) > 2*maxPieces {
			t.Fatalf("%d pieces", len(tr.list))
		}
	}
	list := tr.pieces()
	if len(list) > maxPieces || list[0].begin != 1 || list[len(list)-1].end != n+1 || tr.joined == 0 {
		t.Errorf("%d pieces from %d to %d, %d joined", len(list), list[0].begin, list[len(list)-1].end, tr.joined)
	}
	for i := 1; i < len(list); i++ {
		if list[i].begin != list[i-1].end {
			t.Fatalf("piece %d begins at %d, and the one before it ends at %d", i, list[i].begin, list[i-1].end)
		}
	}
}

// TestHTMLOfLogs has a log of "go -x", which has no clock, beside a run.
func TestHTMLOfLogs(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{begin: 10, wait: 20, url: "https://goproxy.example/a"})
	w.exit(100, 0)
	d := drawnData(t, w.String()+"# get https://goproxy.example/m/@v/list\n# get https://goproxy.example/m/@v/list: 404 Not Found (0.125s)\n")
	if len(d.Runs) != 2 || !d.Runs[0].Clock || d.Runs[1].Clock {
		t.Fatalf("got runs %+v", d.Runs)
	}
	x := d.Runs[1].Exchanges
	if x.Begin[0] != -1 || x.Total[0] != 125_000 || x.Status[0] != 404 || x.Bytes[0] != -1 || x.Phases[0] != -1 || x.Phases[4] != 125_000 {
		t.Errorf("got %+v", x)
	}
}

// BenchmarkHTML compares a report with one that has a page.
func BenchmarkHTML(b *testing.B) {
	text := recording()
	for _, drawn := range []bool{false, true} {
		b.Run(fmt.Sprintf("page=%v", drawn), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			builder := NewBuilder()
			if drawn {
				builder.HTML()
			}
			for b.Loop() {
				if err := builder.Read(bytes.NewReader(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
