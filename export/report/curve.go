package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"h2trace/export/scan"
)

// The bounds on windows over time.
const (
	maxConnPoints   = 1 << 10 // of the curve of a connection
	maxStreamPoints = 1 << 7
	maxCurves       = 24      // of streams of a connection that have ended
	maxLive         = 256     // of streams that have not
	maxPoints       = 1 << 18 // of all curves
)

// point is the credit from a time on.
type point struct {
	at    wallTime
	bytes int64
}

// curve is the credit of a window over time. When it has too many points, only the least and
// the last of each period stay, so that what was least of all is still there.
type curve struct {
	curveKey
	points  []point
	last    point
	thinned bool
}

// curveKey is a window of a connection.
type curveKey struct {
	stream int64 // 0 is the connection
	recv   bool
}

// add adds a point, and returns by how much the number of points grew.
func (c *curve) add(at wallTime, bytes int64, limit int) int {
	before := len(c.points)
	if before > 0 {
		at = max(at, c.last.at)
	}
	same := before > 0 && c.last.bytes == bytes
	c.last = point{at, bytes}
	if same {
		return 0
	}
	if c.points = append(c.points, c.last); len(c.points) >= limit {
		c.thin(limit / 4)
	}
	return len(c.points) - before
}

// thin keeps two points of each of some periods of equal length.
func (c *curve) thin(periods int) {
	c.thinned = true
	begin := c.points[0].at
	length := max(c.last.at.sub(begin)/time.Duration(periods), 1)
	kept := c.points[:1]
	for i := 1; i < len(c.points); {
		period := c.points[i].at.sub(begin) / length
		least, last := c.points[i], c.points[i]
		for i < len(c.points) && c.points[i].at.sub(begin)/length == period {
			if last = c.points[i]; last.bytes <= least.bytes {
				least = last
			}
			i++
		}
		if kept = append(kept, least); last != least {
			kept = append(kept, last)
		}
	}
	c.points = kept
}

// least returns the least credit.
func (c *curve) least() int64 {
	least := int64(math.MaxInt64)
	for _, p := range c.points {
		least = min(least, p.bytes)
	}
	return least
}

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
		key := curveKey{0, i%2 == 1}
		if i >= 2 {
			key.stream = stream
		}
		if !w.known || i >= 2 && stream == 0 {
			continue
		}
		of := c.live[key]
		if of == nil {
			if t.held.points >= maxPoints || len(c.live) >= maxLive && key.stream != 0 {
				t.leftOut.points++
				continue
			}
			if of = (&curve{curveKey: key}); c.live == nil {
				c.live = make(map[curveKey]*curve)
			}
			c.live[key] = of
		}
		limit := maxStreamPoints
		if key.stream == 0 {
			limit = maxConnPoints
		}
		t.held.points += of.add(e.at, w.bytes, limit)
	}
}

// endStream ends the windows of a stream.
func (c *drawnConn) endStream(t *timeline, stream int64) {
	for _, recv := range []bool{false, true} {
		key := curveKey{stream, recv}
		if of := c.live[key]; of != nil && stream != 0 {
			delete(c.live, key)
			c.endCurve(t, of)
		}
	}
}

// endCurves ends all windows.
func (c *drawnConn) endCurves(t *timeline) {
	for _, of := range c.live {
		c.endCurve(t, of)
	}
	c.live = nil
	slices.SortFunc(c.curves, func(a, b *curve) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), compareBool(a.recv, b.recv))
	})
}

// endCurve keeps a curve if it is one, and among those with the least credit.
func (c *drawnConn) endCurve(t *timeline, of *curve) {
	if len(of.points) < 2 {
		t.held.points -= len(of.points)
		return
	}
	if at := of.last.at; at > of.points[len(of.points)-1].at {
		of.points = append(of.points, of.last)
		t.held.points++
	}
	c.curves = append(c.curves, of)
	streams, most := 0, -1
	for i, o := range c.curves {
		if o.stream == 0 || o.recv != of.recv {
			continue
		}
		if streams++; most < 0 || o.least() > c.curves[most].least() {
			most = i
		}
	}
	if streams > maxCurves {
		t.held.points -= len(c.curves[most].points)
		c.curves = slices.Delete(c.curves, most, most+1)
		t.leftOut.curves++
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// maxDrawnPoints bounds the points of all curves of a page.
const maxDrawnPoints = 1 << 16

// dropCurves drops the curves with most credit left.
func (t *timeline) dropCurves() {
	var all []*curve
	for _, d := range t.runs {
		for i := range d.conns {
			all = append(all, d.conns[i].curves...)
		}
	}
	slices.SortStableFunc(all, func(a, b *curve) int { return cmp.Compare(a.least(), b.least()) })
	points, dropped := 0, make(map[*curve]bool)
	for _, c := range all {
		if points += len(c.points); points > maxDrawnPoints {
			dropped[c] = true
		}
	}
	t.leftOut.curves += int64(len(dropped))
	for _, d := range t.runs {
		for i := range d.conns {
			c := &d.conns[i]
			c.curves = slices.DeleteFunc(c.curves, func(one *curve) bool { return dropped[one] })
		}
	}
}
