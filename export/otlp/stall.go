package otlp

import (
	"container/list"
	"time"

	"h2trace/export/scan"
)

// stalled is a time without flow-control credit. It waits for the exchange that it is part of, which
// ends later.
type stalled struct {
	conn       *conn
	stream     int // 0: of the whole connection
	start, end time.Time
	side, by   string
	window     int64
	used       bool // it is in a span
	place      *list.Element
}

// The bounds of the stalls that wait: of those of a connection, and of all, of some 200 bytes each.
// A peer that grants credit byte by byte makes as many as it likes.
const (
	maxStalls    = 64
	maxAllStalls = 16 << 10
)

// stalls are all that wait, the oldest first, as they are in each connection.
type stalls struct {
	list    list.List
	dropped uint64 // that are in no span, for want of room
}

// add keeps a stall. The oldest goes if there are too many: of the connection, or of all.
func (l *stalls) add(s *stalled) {
	c := s.conn
	if len(c.stalls) >= maxStalls {
		l.drop(c)
	} else if l.list.Len() >= maxAllStalls {
		l.drop(l.list.Front().Value.(*stalled).conn)
	}
	s.place = l.list.PushBack(s)
	c.stalls = append(c.stalls, s)
}

// drop gives up the oldest stall of a connection.
func (l *stalls) drop(c *conn) {
	if !c.stalls[0].used {
		l.dropped++
	}
	l.list.Remove(c.stalls[0].place)
	c.stalls = append(c.stalls[:0], c.stalls[1:]...)
}

// forget forgets the stalls of a connection, of which no exchange ends any more.
func (l *stalls) forget(c *conn) {
	for _, s := range c.stalls {
		l.list.Remove(s.place)
	}
	c.stalls = nil
}

// evicted drops the stalls of a connection that there is no room for.
func (l *stalls) evicted(_ string, c *conn) {
	for len(c.stalls) > 0 {
		l.drop(c)
	}
}

// stall keeps a stall.
func (x *Exporter) stall() {
	e := &x.event
	ns, ok := x.times.Parse(e.Get("start"))
	took, known := scan.Millis(e.Get("stall_ms"))
	if !ok || !known {
		return
	}
	start := time.Unix(0, ns)
	window, _ := scan.Integer(e.Get("window"))
	x.stalls.add(&stalled{
		conn: x.connOf(), stream: integer(e.Get("stream")), start: start, end: start.Add(took),
		side: e.Text("side"), by: e.Text("ended_by"), window: window,
	})
}

// addStalls adds the stalls of an exchange to its span, and those of its connection meanwhile.
func (x *Exporter) addStalls(span *span, c *conn, begin time.Time) {
	if len(c.stalls) == 0 {
		return
	}
	stream := integer(x.event.Get("stream"))
	kept := c.stalls[:0]
	for _, s := range c.stalls {
		own := s.stream == stream && stream != 0
		if own || s.stream == 0 && s.end.After(begin) && s.start.Before(x.at) {
			s.addTo(span)
			s.used = true
		}
		if own {
			x.stalls.list.Remove(s.place)
		} else {
			kept = append(kept, s)
		}
	}
	clear(c.stalls[len(kept):])
	c.stalls = kept
}

func (s *stalled) addTo(span *span) {
	span.event("h2trace.stall", s.start, func(a *attributes) {
		scope := "stream"
		if s.stream == 0 {
			scope = "connection"
		}
		a.textOrEmpty("h2trace.stall.scope", scope)
		a.textOrEmpty("h2trace.stall.side", s.side)
		a.double("h2trace.stall.duration_ms", float64(s.end.Sub(s.start))/float64(time.Millisecond))
		a.integer("h2trace.stall.window", s.window)
		a.textOrEmpty("h2trace.stall.ended_by", s.by)
	})
}
