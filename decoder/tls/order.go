package tls

import (
	"math"

	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/record"
)

// advance decodes one record, or part of a hole, of the side whose bytes came first. It
// reports whether that was possible. Application data keeps the order in which it came,
// also where it waits for secrets: HTTP/2 depends on it.
func (c *Conn) advance() bool {
	s, other := &c.sides[0], &c.sides[1]
	if other.due() < s.due() {
		s, other = other, s
	}
	if c.step(s) {
		return true
	}
	if s.blocks() && other.protected() {
		return false
	}
	return c.step(other)
}

// due returns when the next record was complete, or the incomplete one began; of a search,
// when the last bytes came, but where all that waits may open, the first ones.
func (s *side) due() ktime.Time {
	if s.queue.first == len(s.queue.pieces) {
		return math.MaxInt64
	}
	if s.state == searching && !s.joined { // how far the search has come depends on how the bytes are cut
		return s.queue.last().at
	}
	if b := s.queue.ready(record.HeaderSize); len(b) >= record.HeaderSize && s.state == reading {
		if h, ok := parseHeader(b); ok && s.queue.run >= h.length {
			return s.queue.timeOf(h.length)
		}
	}
	return s.queue.pieces[s.queue.first].at
}

// blocks reports whether a direction waits for its secret.
func (s *side) blocks() bool {
	return s.state == reading && s.phase != cleartext && s.reader == nil && s.queue.run >= record.HeaderSize
}

// protected reports whether a direction has come to application data.
func (s *side) protected() bool { return s.phase == application13 || s.phase == protected12 }

// timeOf returns when the nth of the ready bytes came. n is not 0.
func (q *queue) timeOf(n int) ktime.Time {
	i := q.first
	for n > q.pieces[i].n {
		n -= q.pieces[i].n
		i++
	}
	return q.pieces[i].at
}

// WaitsSince returns since when a direction waits for its secret. ok is false if none
// does.
func (c *Conn) WaitsSince() (since ktime.Time, ok bool) {
	for d := range c.sides {
		if s := &c.sides[d]; s.blocks() && (!ok || s.due() < since) {
			since, ok = s.due(), true
		}
	}
	return since, ok
}

// GiveUp ends each direction that waits for its secret. Next returns that.
func (c *Conn) GiveUp(at ktime.Time) {
	for d := range c.sides {
		if s := &c.sides[d]; s.blocks() {
			c.end(s, at, c.lacks(s))
		}
	}
}
