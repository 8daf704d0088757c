package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"h2trace/export/scan"

	"github.com/google/go-cmp/cmp"
)

func TestTables(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/go/example.com/m/@v/v1.0.0.zip", kind: "zip", module: "example.com/m", wait: 10, receive: 100, bytes: 1_000_000})
	w.exchange(exchange{begin: 200, url: "https://a.example/go/example.com/m/@v/v1.0.0.mod", kind: "mod", module: "example.com/m", wait: 20, bytes: 10})
	w.exchange(exchange{begin: 300, url: "https://a.example/go/sumdb/sum.example/latest", kind: "sumdb-latest", wait: 5, bytes: 10})
	w.exchange(exchange{begin: 400, conn: "c2", url: "https://b.example/example.com/n/@v/list", kind: "list", module: "example.com/n", wait: 5, status: 404, class: "http_4xx"})
	w.line(450, "frame", `"pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","flags":[],"length":5,"data_length":5,"window":{"conn_send":65535,"conn_recv":-7,"stream_send":null,"stream_recv":12}`)
	w.close(500, "c1", 30, 3)
	w.exit(1000, 0)
	b := read(t, w.String())
	r := b.Report()
	got := map[string][]int64{}
	for _, p := range r.Proxies {
		got[p.Proxy] = []int64{p.Requests, int64(p.Bytes), int64(p.Conns), int64(p.Retransmits), p.Failures["http_4xx"]}
	}
	want := map[string][]int64{"https://a.example/go": {3, 1_000_020, 1, 3, 0}, "https://b.example": {1, 0, 1, 0, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("proxies, -want +got:\n%s", diff)
	}
	if rate := r.Proxies[0].Rate; rate == nil || math.Abs(float64(*rate)-10) > 0.01 {
		t.Errorf("got %v MB/s, want 10", rate)
	}
	if rtt := r.Proxies[0].RTT; rtt == nil || math.Abs(float64(rtt.P50)-30) > 0.3 {
		t.Errorf("got round-trip time %v, want 30", rtt)
	}
	if diff := cmp.Diff([]Module{{"example.com/m", "v1.0.0", 2, 0, 1_000_010, 130, 110, 0, 30, 20}}, r.Modules); diff != "" {
		t.Errorf("modules, -want +got:\n%s", diff)
	}
	if v := r.Windows.Least["conn_recv"]; v == nil || *v != -7 || r.Windows.Least["stream_send"] != nil {
		t.Errorf("got windows %v", r.Windows.Least)
	}
	s, err := b.Suggest()
	if err != nil || s.Command != "go env -w GOPROXY=https://a.example/go,direct" || len(s.Reasons) != 4 {
		t.Errorf("got %+v, %v", s, err)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return r.WriteText(b) },
		"markdown": func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"healthy: nothing failed", "https://a.example/go", "sumdb-latest", "example.com/m", "-7"} {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s has no %q:\n%s", name, s, out.String())
			}
		}
	}
}

// TestSpoilt has the go command say of a response that was complete that it is
// not what it should be.
func TestSpoilt(t *testing.T) {
	const a, b = "https://a.example/x.y", "https://b.example"
	var w writer
	w.command(0)
	for i, proxy := range []string{a, b} {
		for _, kind := range []string{"mod", "zip"} {
			w.exchange(exchange{begin: float64(i), url: proxy + "/m.example/@v/v1.0.0." + kind, module: "m.example", kind: kind, proxy: proxy})
		}
	}
	for _, class := range []string{"checksum", "http_4xx"} { // the other has failed as an exchange
		w.line(5, "process", `"pid":7,"comm":"go","action":"error","module":{"path":"m.example","version":"v1.0.0"},"error":{"class":%q,"detail":"why"},`+
			`"requests":[{"conn":"c1","stream":1,"url":"https://a.example/x.y/m.example/@v/v1.0.0.zip","proxy":%q},`+
			`{"conn":"c1","stream":3,"url":"https://b.example/sumdb/sum.example/lookup/m.example@v1.0.0","proxy":%q}]`, class, a, b)
	}
	w.exit(9, 1)
	r := read(t, w.String()).Report()
	failures := map[string]map[string]int64{}
	for _, p := range r.Proxies {
		failures[p.Proxy] = p.Failures
	}
	if diff := cmp.Diff(map[string]map[string]int64{a: {"checksum": 1}, b: {}}, failures); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(r.Modules) != 1 || r.Modules[0].Failures != 1 {
		t.Errorf("got %+v, want a failure", r.Modules)
	}
	if r.Verdict.Cause != Checksum {
		t.Errorf("got %+v", r.Verdict)
	}
}

func TestDamaged(t *testing.T) {
	var w writer
	w.command(0)
	w.exchange(exchange{url: "https://a.example/", wait: 10})
	w.exit(100, 0)
	good := w.String()
	one := strings.SplitAfter(good, "\n")[2]
	sorted := `{"event":"exchange", "error" : null, "total_ms":10.0, "ts":"` + at(10) + `", "url":"https:\/\/a.example\/", "v":1, "x":{"y":["}",{}]}}`
	tests := []struct {
		name, text string
		skipped    int64
		requests   int64
		runs       int
	}{
		{"empty", "", 0, 0, 0},
		{"no line end", strings.TrimSuffix(good, "\n"), 0, 1, 1},
		{"two runs", good + good, 0, 2, 2},
		{"cut in the middle of a line", good[:len(good)-40], 1, 1, 1},
		{"empty lines and DOS line ends", "\n" + strings.ReplaceAll(good, "\n", "\r\n\r\n"), 0, 1, 1},
		{"words between", "hello\n" + good + "{}\n[1]\nnull\n", 4, 1, 1},
		{"another version", strings.Replace(good, `"v":1`, `"v":2`, 1), 1, 1, 1},
		{"unknown event", good + strings.Replace(one, `"exchange"`, `"trailer"`, 1), 0, 1, 1},
		{"no time", good + strings.Replace(one, at(10), "yesterday", 1), 1, 1, 1},
		{"keys in another order, with spaces and escapes", sorted, 0, 1, 1},
		{"long line", `{"v":1,"a":"` + strings.Repeat("x", scan.MaxLine) + `"}` + "\n" + good, 1, 1, 1},
		{"binary", string([]byte{0, 1, 2, 255, '\n'}) + good, 1, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := read(t, tt.text).Report()
			var requests int64
			for _, p := range r.Proxies {
				requests += p.Requests
				if p.Proxy != "https://a.example" {
					t.Errorf("proxy %q", p.Proxy)
				}
			}
			if r.SkippedLines != tt.skipped || requests != tt.requests || r.Runs != tt.runs {
				t.Errorf("got %d skipped, %d requests, %d runs, want %d, %d, %d",
					r.SkippedLines, requests, r.Runs, tt.skipped, tt.requests, tt.runs)
			}
		})
	}
}

// TestMemory reads a run in which everything that is told apart by a name has
// more names than are kept, and which has more exchanges than are remembered.
func TestMemory(t *testing.T) {
	b := NewBuilder()
	for i := range 100_000 {
		var w writer
		w.exchange(exchange{
			begin: float64(i), wait: 5, conn: fmt.Sprintf("c%d", i), kind: "zip", module: fmt.Sprintf("%d.example/m", i),
			url: fmt.Sprintf("https://%d.example/%d.example/m/@v/v1.0.0.zip", i, i), class: fmt.Sprintf("class %d", i),
		})
		b.line([]byte(strings.TrimSpace(w.String())))
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 48<<20 {
		t.Errorf("holds %d MB", m.HeapAlloc>>20)
	}
	if r := b.Report(); r.LeftOut == 0 || len(r.Proxies) != maxProxies || len(r.Modules) != slowest {
		t.Errorf("%d left out, %d proxies, %d modules", r.LeftOut, len(r.Proxies), len(r.Modules))
	}
}

func FuzzRead(f *testing.F) {
	var w writer
	w.line(0, "frame", `"pid":7,"conn":"c1","dir":"recv","stream":1,"type":"DATA","window":{"conn_recv":1,"stream_recv":-1}`)
	w.line(0, "stall", `"pid":7,"conn":"c1","stream":1,"side":"recv_window","window":1,"start":"x","stall_ms":1`)
	w.command(0)
	w.exchange(exchange{url: "https://a.example/x/@v/list", kind: "list", wait: 10, class: "reset"})
	w.close(20, "c1", 1, 1)
	w.exit(100, 1)
	f.Add([]byte(w.String()))
	f.Add([]byte(`{"v":1,"ts":"2026-01-02T03:04:05.000000000Z","event":"stall","window":{"a":[]},"stall_ms":-1e300}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := NewBuilder()
		b.HTML()
		if err := b.Read(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		r := b.Report()
		b.page(r)
		wantWholePaths(t, b)
		var out bytes.Buffer
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("a control character in %q", out.String())
		}
		_, _ = b.Suggest()
		wantOtherForms(t, data)
	})
}

// wantOtherForms demands that each form takes any data, and that an anonymous report skips the
// same lines.
func wantOtherForms(t *testing.T, data []byte) {
	t.Helper()
	plain, hidden := NewBuilder(), NewBuilder()
	plain.GroupBy("region")
	hidden.Anonymize()
	hidden.GroupBy("module")
	hidden.Prometheus()
	before, after := NewSide(), NewSide()
	for _, r := range []interface{ Read(io.Reader) error }{plain, hidden, before, after} {
		if err := r.Read(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := plain.Report().SkippedLines, hidden.Report().SkippedLines; a != b {
		t.Errorf("%d lines are skipped, %d without names", a, b)
	}
	if err := hidden.WritePrometheus(io.Discard); err != nil {
		t.Error(err)
	}
	for _, b := range []*Builder{plain, hidden} {
		if g, err := b.Groups(); err == nil {
			err = errors.Join(g.WriteText(io.Discard), g.WriteMarkdown(io.Discard), g.WriteJSON(io.Discard))
			if err != nil {
				t.Error(err)
			}
		}
	}
	if err := Compare(before, after).WriteText(io.Discard); err != nil {
		t.Error(err)
	}
	for _, of := range metricNames {
		a, err := ParseAssertion("max(" + of + ") >= 0s")
		if err != nil {
			t.Fatal(err)
		}
		plain.Check(a)
	}
}

// TestLongRest has more requests of a process that was running before than spans are kept: the
// time between them is idle in the older ones, too.
func TestLongRest(t *testing.T) {
	var w writer
	w.attached(0)
	for i := range maxSpans + 10 {
		w.exchange(exchange{begin: float64(i) * 10, url: "https://a.example/", wait: 1})
	}
	w.line(10*(maxSpans+10), "summary", `"duration_ms":1.000,"command":null,"records":{"seen":1,"delivered":1,"lost":0}`)
	if got := read(t, w.String()).Report().Time; got.Other != 0 || got.Idle < 9*maxSpans {
		t.Errorf("got %+v", got)
	}
}
