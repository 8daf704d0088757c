package otlp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"h2trace/export/otlp/otlptest"
)

// stallOf returns a stall of a stream. Each is a millisecond after the one before.
func stallOf(conn, stream, n int) []byte {
	return fmt.Appendf(nil, `{"v":1,"ts":"2026-11-30T12:00:01.900000000Z","event":"stall","pid":7,"comm":"client","conn":"c%d","stream":%d,`+
		`"side":"recv_window","window":1,"start":"2026-11-30T12:00:01.%03d000000Z","stall_ms":1.000,"ended_by":"WINDOW_UPDATE"}`, conn, stream, n%1000)
}

// TestManyStalls has more stalls than are kept, of one connection and of all. Those that find no
// room are counted, the oldest go first, and those that stay come with their exchange.
func TestManyStalls(t *testing.T) {
	c := otlptest.Start(t, nil)
	x, _ := start(t, c.URL)
	const conns, each = 400, maxStalls + 6
	for conn := range conns {
		for n := range each {
			x.Line(stallOf(conn, 1, n))
		}
		if n := x.stalls.list.Len(); n > maxAllStalls {
			t.Fatalf("%d stalls are kept", n)
		}
	}
	of := func(conn int) []byte {
		return []byte(strings.Replace(exchangeLine(okKeys), `"conn":"c1"`, fmt.Sprintf(`"conn":"c%d"`, conn), 1))
	}
	x.Line(of(0))
	x.Line(of(conns - 1))
	x.Line([]byte(`{"v":1,"ts":"2026-11-30T12:00:03.000000000Z","event":"conn","pid":7,"comm":"client","conn":"c398","action":"close"}`))
	if got, want := x.stalls.list.Len(), maxAllStalls-2*maxStalls; got != want {
		t.Errorf("%d stalls wait, want %d", got, want)
	}
	totals := x.Close(30 * time.Second)
	if want := uint64(conns*each - maxAllStalls); totals.DroppedStalls != want || totals.Spans.Sent != 2 {
		t.Errorf("%+v, want %d stalls", totals, want)
	}
	for _, s := range c.Spans() {
		n, first := 0, ""
		if conn := s.Attributes["h2trace.conn"]; conn == "c399" {
			n, first = maxStalls, "01.006"
		}
		if len(s.Events) != n || n > 0 && time.Unix(0, int64(s.Events[0].TimeUnixNano)).UTC().Format("05.000") != first {
			t.Errorf("%v has %d stalls, want %d", s.Attributes["h2trace.conn"], len(s.Events), n)
		}
	}
}

// TestUsedStalls has no stall counted as dropped that is in a span.
func TestUsedStalls(t *testing.T) {
	c := otlptest.Start(t, nil)
	x, _ := start(t, c.URL)
	for round := range 4 {
		for n := range maxStalls {
			x.Line(stallOf(1, 0, 500+n)) // of the connection
		}
		if round < 3 {
			x.Line([]byte(exchangeLine(okKeys)))
		}
	}
	for n := range maxConns { // there is no room for the first connection
		x.Line(fmt.Appendf(nil, `{"v":1,"ts":"2026-11-30T12:00:03.000000000Z","event":"conn","pid":7,"comm":"client","conn":"c%d","action":"open","role":"client"}`, 10+n))
	}
	if got := x.Close(30 * time.Second); got.DroppedStalls != maxStalls || got.Spans.Sent != 3 {
		t.Errorf("%+v", got)
	}
}
