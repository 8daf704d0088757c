package report

import (
	"fmt"
	"testing"
)

// TestPeakConns has two runs: in the first, two of three connections are open at once.
func TestPeakConns(t *testing.T) {
	var w writer
	ask := func(ms float64, conn string) { w.exchange(info(exchange{begin: ms, wait: 1, conn: conn})) }
	end := func(ms float64, conn string) {
		w.line(ms, "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3"}`, conn)
	}
	w.command(0)
	ask(10, "c1")
	ask(20, "c2")
	end(30, "c1")
	ask(40, "c3")
	w.exit(1000, 0)
	w.command(1100)
	ask(1110, "c1")
	w.exit(1200, 0)
	if p := read(t, w.String()).Report().Proxies[0]; p.Conns != 4 || p.PeakConns == nil || *p.PeakConns != 2 {
		t.Errorf("got %+v, want 2 at once", p)
	}
}

// TestPeakConnsOfOneRequest has connections with a request each, under way at once. Each is
// closed before the request of the next is told.
func TestPeakConnsOfOneRequest(t *testing.T) {
	var w writer
	w.command(0)
	for i := range 5 {
		conn := fmt.Sprint("c", i)
		w.line(10, "conn", `"pid":7,"comm":"go","conn":%q,"action":"open","remote":"192.0.2.1:443","name":"goproxy.example","role":"client","joined":"start"`, conn)
		w.exchange(info(exchange{begin: 20, wait: 100 + float64(i), conn: conn}))
		w.line(121+float64(i), "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","protocol":"http/1.1","tls":{"version":"TLS 1.3"}`, conn)
	}
	w.exit(1000, 0)
	if p := read(t, w.String()).Report().Proxies[0]; p.PeakConns == nil || *p.PeakConns != 5 {
		t.Errorf("got %+v, want 5 at once", p)
	}
}
