package otlp

import (
	"time"

	"h2trace/export/scan"
)

// stalled is a time without flow-control credit. It waits for the exchange that it is part of, which
// ends later.
type stalled struct {
	stream     int // 0: of the whole connection
	start, end time.Time
	side, by   string
	window     int64
}

// maxStalls bounds those that a connection keeps. The oldest go first.
const maxStalls = 64

// stall keeps a stall.
func (x *Exporter) stall() {
	e, c := &x.event, x.connOf()
	ns, ok := x.times.Parse(e.Get("start"))
	took, known := scan.Millis(e.Get("stall_ms"))
	if !ok || !known {
		return
	}
	if len(c.stalls) >= maxStalls {
		c.stalls = append(c.stalls[:0], c.stalls[1:]...)
	}
	start := time.Unix(0, ns)
	window, _ := scan.Integer(e.Get("window"))
	c.stalls = append(c.stalls, stalled{
		stream: integer(e.Get("stream")), start: start, end: start.Add(took),
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
		}
		if !own {
			kept = append(kept, s)
		}
	}
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
