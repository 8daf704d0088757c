package report

import "time"

// point is the credit from a time on.
type point struct {
	at    wallTime
	bytes int64
}

// curveKey is a window of a connection.
type curveKey struct {
	stream int64 // 0 is the connection
	recv   bool
}

// curve is the credit of a window over time. When it has too many points, only the least and
// the last of each period stay, so that what was least of all is still there.
type curve struct {
	curveKey
	points  []point
	last    point // also if it is as the point before
	least   int64
	thinned bool
}

// add adds a point, and returns by how much the number of points grew. That number stays below
// limit.
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
	if before == 0 || bytes < c.least {
		c.least = bytes
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
	length := c.last.at.sub(begin)/time.Duration(periods) + 1
	kept := c.points[:0]
	for i := 0; i < len(c.points); {
		period := c.points[i].at.sub(begin) / length
		least, last := c.points[i], c.points[i]
		for i < len(c.points) && c.points[i].at.sub(begin)/length == period {
			if last = c.points[i]; last.bytes < least.bytes {
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

// end adds the last time that is known, and returns by how much the number of points grew.
func (c *curve) end() int {
	if n := len(c.points); n == 0 || c.last.at <= c.points[n-1].at {
		return 0
	}
	c.points = append(c.points, c.last)
	return 1
}
