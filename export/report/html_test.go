package report

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	if r.Wall != 500_000 || len(r.Processes) != 1 || r.Processes[0].Name != "go" || r.Processes[0].End != 500_000 {
		t.Errorf("got %d µs, processes %+v", r.Wall, r.Processes)
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

// TestHTMLUnknownConn has an exchange of which the connection is not known: none is made up.
func TestHTMLUnknownConn(t *testing.T) {
	for _, conn := range []string{"null", `""`} {
		var w writer
		w.command(0)
		w.line(90, "exchange", `"pid":7,"comm":"go","conn":%s,"stream":1,"method":"GET","url":"https://goproxy.example/a","status":200,"wait_ms":80,"total_ms":80`, conn)
		w.exit(100, 0)
		if r := drawnData(t, w.String()).Runs[0]; len(r.Conns) != 0 || len(r.Exchanges.Conn) != 1 || r.Exchanges.Conn[0] != -1 {
			t.Errorf("conn %s: got connections %+v, of exchanges %v", conn, r.Conns, r.Exchanges.Conn)
		}
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
