package tcp

import (
	"time"

	"h2trace/decoder/ktime"
)

// Segment is a segment of one direction of a connection, as an observer has it.
type Segment struct {
	At      ktime.Time
	Dir     int    // 0 or 1
	Offset  uint64 // of Payload in the direction
	Payload []byte
	LeftOut int // bytes after Payload that the observer has not
	// Lost says that the observer lost segments of the direction before it.
	Lost bool
	// Acked is the offset of the other direction up to which the sender had all bytes, by
	// the acknowledgment number (RFC 9293 §3.1). 0 is unknown: the segment waits for nothing.
	Acked uint64
}

// Conn reassembles both directions of a connection. It reports bytes after those of the
// other direction that their sender had acknowledged, as far as these came or are given up:
// an answer comes after its question, even if packets of the question are missing or were
// captured later. Bytes of the same direction stay in order.
//
// What waits is bounded: 1 MiB of each direction, next to the 4 MiB that a Stream holds, and
// the Budget, for both. Beyond, the Conn gives up on what is missing. In GiveUp, Release
// and Flush the caller says that it is in vain to wait. It is not safe for concurrent
// use.
type Conn struct {
	budget *Budget
	sides  [2]side
	came   uint64 // segments
	parts  int    // that wait, of both directions
}

// NewConn returns a Conn. Of each direction, a Sink receives the bytes and holes in their
// order. It must not call the Conn, but for LeaveOut.
func NewConn(budget *Budget, sinks [2]Sink) *Conn {
	c := &Conn{budget: budget}
	for d := range c.sides {
		own := &c.sides[d]
		*own = side{conn: c, other: &c.sides[d^1], sink: sinks[d], out: output{sink: own, side: own}}
	}
	return c
}

// Segment takes a segment, and does not keep its payload.
func (c *Conn) Segment(s *Segment) {
	own := &c.sides[s.Dir]
	c.came++
	m := mark{acked: s.Acked, came: c.came}
	end := s.Offset + uint64(len(s.Payload))
	out := &own.out
	out.at = s.At
	if len(s.Payload) > 0 {
		own.stream.add(piece{s.Offset, end, s.Payload, m}, s.Lost, c.budget, out)
	}
	if s.LeftOut > 0 {
		own.stream.add(piece{end, end + uint64(s.LeftOut), nil, m}, s.Lost, c.budget, out)
	}
	if len(s.Payload)+s.LeftOut == 0 && s.Lost {
		own.stream.unsure = true
		own.stream.giveUp(s.Offset, Lost, c.budget, out)
		out.report()
	}
	c.relieve(s.At)
}

// Acknowledge takes that the peer has all bytes of a direction before an offset, which come
// soon or not at all: see GiveUp. A later call may correct it, as an acknowledgment number
// counts the FIN.
func (c *Conn) Acknowledge(dir int, to uint64) { c.sides[dir].acked = to }

// GiveUp gives up on bytes that were acknowledged and have not come since, for longer than
// a time. Not all came in the order in which they were sent: two CPUs may have captured them.
func (c *Conn) GiveUp(now ktime.Time, after time.Duration) {
	for d := range c.sides {
		c.sides[d].giveUp(now, after)
	}
}

// Release reports what has waited for longer than a time, although the bytes before it came
// neither nor were given up. It reports whether there was such.
func (c *Conn) Release(now ktime.Time, after time.Duration) (released bool) {
	for d := range c.sides {
		s := &c.sides[d]
		for len(s.waiting) > 0 && now.Sub(s.waiting[0].at).Abs() > after { // the clock may go back
			s.release()
			c.pump()
			released = true
		}
	}
	return released
}

// Flush gives up on all that is missing, and reports all that waits: no more segments come.
func (c *Conn) Flush(at ktime.Time) {
	for d := range c.sides {
		own := &c.sides[d]
		since := at
		if own.owed != 0 {
			since = own.owed
		}
		own.stream.GiveUp(since, own.acked, c.budget, own)
		own.stream.Flush(since, c.budget, own)
	}
	for d := range c.sides {
		for len(c.sides[d].waiting) > 0 {
			c.sides[d].release()
			c.pump()
		}
	}
}

// Drop ends a Conn and reports nothing more.
func (c *Conn) Drop() {
	for d := range c.sides {
		own := &c.sides[d]
		own.stream.Drop(c.budget)
		for len(own.waiting) > 0 {
			own.take()
		}
	}
}

// Waits reports whether bytes wait for those of the other direction.
func (c *Conn) Waits() bool { return c.parts > 0 }

// Next returns the offset of the first byte of a direction that neither came in order nor is
// given up.
func (c *Conn) Next(dir int) uint64 { return c.sides[dir].stream.Next() }

// Holes is Stream.Holes of a direction.
func (c *Conn) Holes(dir int) (holes uint64, ok bool) { return c.sides[dir].stream.Holes() }

// LeaveOut is Stream.LeaveOut of a direction. Nothing waits for such bytes.
func (c *Conn) LeaveOut(dir int, before uint64) { c.sides[dir].stream.LeaveOut(before) }
