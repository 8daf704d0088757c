package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"h2trace/export/report/page"
)

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
	s := d.Runs[0].Stalls
	shortest := slices.MinFunc(s, func(a, b page.Stall) int { return cmp.Compare(a.Length, b.Length) })
	if len(s) != maxDrawnStalls || shortest.Length != 2*maxDrawnStalls*1000 {
		t.Errorf("%d stalls are drawn, the shortest of %d µs", len(s), shortest.Length)
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
