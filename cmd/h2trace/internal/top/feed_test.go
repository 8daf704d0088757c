package top

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"h2trace/decoder"
	"h2trace/export/top"
)

// TestFeed hands over lines of all lengths in their order, and what moved between them.
func TestFeed(t *testing.T) {
	began := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	m := top.New(began)
	f := NewFeed(m, func(count func()) { count() })
	const conns = 5000
	for i := range conns {
		rest := fmt.Sprintf(`"pid":7,"comm":"go","conn":"c%d","url":%q}`, i, strings.Repeat("x", i%1000*(i%7)))
		f.Line([]byte(`{"v":1,"ts":"2026-11-30T09:00:00.000000000Z","event":"request","stream":0,` + rest))
		f.Moved(fmt.Sprint("c", i), decoder.Recv, int64(i))
		f.Moved(fmt.Sprint("c", i), decoder.Send, 1)
	}
	f.Close()
	f.Close()
	s := m.State(began, top.Connections)
	if n := s.Total; n.InFlight != conns || n.Bytes != (top.Pair{Sent: conns, Received: conns * (conns - 1) / 2}) || len(s.Rows) != conns {
		t.Errorf("%d rows, in all %+v", len(s.Rows), n)
	}
}
