package flow

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

// ackGrace is how long after an acknowledgment the bytes that it is for may come: two CPUs
// may have captured them.
const ackGrace = 50 * time.Millisecond

// answerWait is how long bytes wait for those that they answer, where nobody gives these up: an
// acknowledgment was of more than was sent.
const answerWait = 4 * ackGrace

// half is one direction of a connection, and the tcp.Sink of its bytes.
type half struct {
	conn      *Conn
	dir       decoder.Direction
	numbers   tcp.Numbers
	delivered bool  // bytes or a hole
	missing   int64 // bytes before the first ones of the connection that came
	unsure    bool  // the peer may have had bytes before the first one
}

// Data implements tcp.Sink.
func (h *half) Data(at ktime.Time, b []byte) {
	c := h.conn
	if c.layer == nil {
		c.open(at, b, h.dir, !h.delivered && !c.halves[h.dir^1].delivered)
	}
	h.delivered = true
	c.layer.data(at, h.dir, b)
}

// Missing implements tcp.Sink.
func (h *half) Missing(at ktime.Time, n uint64, why tcp.Cause) {
	c := h.conn
	h.delivered = true
	switch {
	case c.layer == nil:
		c.FromStart = false
		h.missing += int64(n)
	case why == tcp.LeftOut:
		c.layer.skip(at, h.dir, int64(n))
	default:
		c.layer.hole(at, h.dir, int64(n))
	}
}

// take takes a segment at an offset of its direction.
func (c *Conn) take(at ktime.Time, dir decoder.Direction, offset uint64, s *capture.Segment) {
	own, peer := &c.halves[dir].numbers, &c.halves[dir^1].numbers
	if s.Length > 0 {
		own.Sent(offset + uint64(s.Length))
		c.tcp.Segment(&tcp.Segment{
			At: at, Dir: int(dir), Offset: offset, Payload: s.Payload, LeftOut: s.Length - len(s.Payload), Acked: peer.Needed(),
		})
		if c.tcp.Next(int(dir)) == own.Reach() {
			own.GoesOn()
		}
	}
}

// giveUp gives up on bytes that were acknowledged for long enough, and ends a connection of which
// nothing more comes.
func (c *Conn) giveUp(at ktime.Time) {
	for d := range c.halves {
		c.tcp.Acknowledge(d, c.halves[d].numbers.Acked())
	}
	c.tcp.GiveUp(at, ackGrace)
	c.tcp.Release(at, answerWait)
	for d := range c.halves {
		c.halves[d].numbers.Sent(c.tcp.Next(d))
	}
	switch {
	case c.finished(0) && c.finished(1), c.reset != 0 && (c.reset.Add(ackGrace) < at || at < c.reset):
		c.end(c.endedBy())
	case (c.tcp.Waits() || c.reset != 0) && !c.waits:
		c.waits = true
		c.table.waiting = append(c.table.waiting, c)
	}
}

// finished reports whether a direction has ended, and all its bytes came.
func (c *Conn) finished(dir int) bool {
	n := &c.halves[dir].numbers
	return (n.Ended() != 0 || c.reset != 0) && c.tcp.Next(dir) >= n.Rest()
}
