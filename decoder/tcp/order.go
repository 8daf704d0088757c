package tcp

import (
	"bytes"
	"time"

	"h2trace/decoder/ktime"
)

const (
	// maxWaiting bounds the bytes of a direction that wait for those of the other one.
	maxWaiting = 1 << 20
	// leastWaiting is the least cost of a part, in bytes.
	leastWaiting = 128
)

// mark says of bytes up to which offset their sender had acknowledged the other direction,
// and which segment of the connection had them.
type mark struct{ acked, came uint64 }

// part is the next bytes of a direction, or a hole in it.
type part struct {
	at      ktime.Time
	b       []byte
	missing uint64
	why     Cause
	mark
}

func (p *part) cost() int { return leastWaiting + len(p.b) }

// side is one direction of a Conn, and the Sink of its Stream.
type side struct {
	conn   *Conn
	other  *side
	stream Stream
	sink   Sink
	out    output // of Conn.Segment
	now    mark   // of what the Stream reports next
	acked  uint64 // the highest offset that the peer has acknowledged
	// owed is since when acknowledged bytes do not come, 0 if there are none, and owedFrom is the
	// offset of the first of them.
	owed     ktime.Time
	owedFrom uint64

	reported uint64 // bytes, missing ones included
	waiting  []part
	held     int // their cost
}

// Data implements Sink.
func (s *side) Data(at ktime.Time, b []byte) {
	if s.conn.parts > 0 || !s.other.has(s.now.acked) {
		s.offer(part{at: at, b: b, mark: s.now})
		return
	}
	s.reported += uint64(len(b))
	s.sink.Data(at, b)
}

// Missing implements Sink. When a hole was sent is not known: it waits for nothing but what
// precedes it.
func (s *side) Missing(at ktime.Time, n uint64, why Cause) {
	s.offer(part{at: at, missing: n, why: why, mark: s.now})
}

// offer takes the next part, and reports it unless it has to wait.
func (s *side) offer(p part) {
	if len(s.waiting) == 0 && s.other.has(p.acked) {
		s.report(&p)
		s.conn.pump()
		return
	}
	p.b = bytes.Clone(p.b)
	s.waiting = append(s.waiting, p)
	s.held += p.cost()
	s.conn.parts++
	s.conn.budget.add(p.cost())
	s.conn.pump()
}

// has reports whether the bytes before an offset are reported, or left out.
func (s *side) has(offset uint64) bool {
	return s.reported >= offset || offset < s.stream.leftOut
}

// report reports a part.
func (s *side) report(p *part) {
	if p.missing > 0 {
		s.reported += p.missing
		s.sink.Missing(p.at, p.missing, p.why)
		return
	}
	s.reported += uint64(len(p.b))
	s.sink.Data(p.at, p.b)
}

// take removes the first part that waits.
func (s *side) take() part {
	p := s.waiting[0]
	s.waiting[0] = part{}
	if s.waiting = s.waiting[1:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
	s.held -= p.cost()
	s.conn.parts--
	s.conn.budget.add(-p.cost())
	return p
}

// release reports the first part that waits.
func (s *side) release() {
	p := s.take()
	s.report(&p)
}

// pump reports what waits no longer.
func (c *Conn) pump() {
	for c.parts > 0 {
		s := &c.sides[0]
		if !s.ready() {
			s = &c.sides[1]
		}
		if !s.ready() {
			if s = c.again(); s == nil {
				return
			}
		}
		s.release()
	}
}

// ready reports whether the first part waits no longer.
func (s *side) ready() bool { return len(s.waiting) > 0 && s.other.has(s.waiting[0].acked) }

// again returns the direction whose first part was sent again, if each direction waits for the
// other one, nil if not: a segment that is sent again acknowledges what came meanwhile (RFC 9293
// §3.10.7.4), and is captured after its answer.
func (c *Conn) again() *side {
	a, b := &c.sides[0], &c.sides[1]
	switch {
	case len(a.waiting) == 0 || len(b.waiting) == 0:
		return nil
	case a.waiting[0].came > b.waiting[0].came:
		return a
	}
	return b
}

// relieve ends the wait of directions of which too much waits.
func (c *Conn) relieve(at ktime.Time) {
	for d := range c.sides {
		s := &c.sides[d]
		if s.held <= maxWaiting && (s.held == 0 || !c.budget.exceeded()) {
			continue
		}
		s.other.stream.GiveUp(at, s.waiting[len(s.waiting)-1].acked, c.budget, s.other)
		for len(s.waiting) > 0 {
			s.release()
			c.pump()
		}
	}
}

// giveUp gives up on bytes that the peer has, and that do not come.
func (s *side) giveUp(now ktime.Time, after time.Duration) {
	next := s.stream.next
	switch {
	case s.acked <= max(next, s.stream.leftOut):
		s.owed = 0
	case s.owed == 0 || s.owed > now || next > s.owedFrom: // some came since
		s.owed, s.owedFrom = now, next
	case s.owed.Add(after) < now:
		since := s.owed
		s.owed = 0
		s.stream.GiveUp(since, s.acked, s.conn.budget, s)
	}
}
