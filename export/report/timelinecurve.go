package report

import (
	"cmp"
	"maps"
	"slices"

	"h2trace/export/scan"
)

// The bounds on windows over time. An open one has fewer points when all of them have many.
const (
	maxConnPoints   = 1 << 9 // of the curve of a connection
	maxStreamPoints = 1 << 7
	tightPoints     = 1 << 5
	maxCurves       = 24      // of streams of a connection that have ended, on each side
	maxConnOpen     = 256     // windows of a connection
	maxAllOpen      = 1 << 13 // of all connections
	maxPoints       = 1 << 17 // of all windows
	maxDrawnPoints  = 1 << 16
)

// frame takes the windows of a frame.
func (t *timeline) frame(e *frameEvent) {
	i := t.now.conn(e.conn)
	if i < 0 {
		return
	}
	c := &t.now.conns[i]
	c.end = max(c.end, e.at)
	stream, _ := scan.Integer(e.stream)
	for i, w := range e.window {
		key, limit := curveKey{0, i%2 == 1}, maxConnPoints
		if i >= 2 {
			key.stream, limit = stream, maxStreamPoints
		}
		if !w.known || i >= 2 && stream == 0 {
			continue
		}
		of := c.live[key]
		if of == nil {
			if of = t.openCurve(c, key); of == nil {
				t.leftOut.points++
				continue
			}
		}
		if t.held.points >= maxPoints {
			limit = tightPoints
		}
		t.held.points += of.add(e.at, w.bytes, limit)
	}
}

// openCurve begins the curve of a window, or returns nil if too many are open.
func (t *timeline) openCurve(c *drawnConn, key curveKey) *curve {
	if t.held.open == maxAllOpen || len(c.live) >= maxConnOpen && key.stream != 0 {
		return nil
	}
	t.held.open++
	if c.live == nil {
		c.live = make(map[curveKey]*curve)
	}
	c.live[key] = &curve{curveKey: key}
	return c.live[key]
}

// endStream ends the windows of a stream.
func (c *drawnConn) endStream(t *timeline, stream int64) {
	if stream == 0 {
		return
	}
	for _, recv := range []bool{false, true} {
		if key := (curveKey{stream, recv}); c.live[key] != nil {
			c.endCurve(t, key)
		}
	}
}

// endCurves ends all windows.
func (c *drawnConn) endCurves(t *timeline) {
	for _, key := range slices.SortedFunc(maps.Keys(c.live), curveKey.compare) {
		c.endCurve(t, key)
	}
	c.live = nil
	slices.SortStableFunc(c.curves, func(a, b *curve) int { return a.compare(b.curveKey) })
}

// compare orders windows by stream, the receiving side first.
func (k curveKey) compare(o curveKey) int {
	switch {
	case k.stream != o.stream || k.recv == o.recv:
		return cmp.Compare(k.stream, o.stream)
	case k.recv:
		return -1
	}
	return 1
}

// endCurve ends an open window. It keeps its curve if it changed, and if it is among those of
// streams with the least credit.
func (c *drawnConn) endCurve(t *timeline, key curveKey) {
	of := c.live[key]
	delete(c.live, key)
	t.held.open--
	if len(of.points) < 2 {
		t.held.points -= len(of.points)
		return
	}
	t.held.points += of.end()
	c.curves = append(c.curves, of)
	streams, most := 0, -1
	for i, o := range c.curves {
		if o.stream == 0 || o.recv != of.recv {
			continue
		}
		if streams++; most < 0 || o.least > c.curves[most].least {
			most = i
		}
	}
	if streams > maxCurves {
		t.held.points -= len(c.curves[most].points)
		c.curves = slices.Delete(c.curves, most, most+1)
		t.leftOut.curves++
	} else if t.held.ended++; t.held.ended >= t.held.prune {
		t.dropCurves()
	}
}

// dropCurves drops the curves with most credit left, of those that have ended, until they have
// no more points than a page.
func (t *timeline) dropCurves() {
	var all []*curve
	each := func(f func(c *drawnConn)) {
		for _, d := range t.all() {
			for i := range d.conns {
				f(&d.conns[i])
			}
		}
	}
	each(func(c *drawnConn) { all = append(all, c.curves...) })
	slices.SortStableFunc(all, func(a, b *curve) int { return cmp.Compare(a.least, b.least) })
	points, dropped := 0, make(map[*curve]bool)
	for _, one := range all {
		if points += len(one.points); points > maxDrawnPoints {
			dropped[one] = true
			t.held.points -= len(one.points)
		}
	}
	t.leftOut.curves += int64(len(dropped))
	each(func(c *drawnConn) {
		c.curves = slices.DeleteFunc(c.curves, func(one *curve) bool { return dropped[one] })
	})
	t.held.ended = len(all) - len(dropped)
	t.held.prune = t.held.ended + maxDrawnPoints/tightPoints
}
