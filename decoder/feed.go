package decoder

import (
	"bytes"

	"h2trace/decoder/ktime"
)

// feed takes the next bytes of a direction.
func (c *Conn) feed(at ktime.Time, h *side, b []byte) {
	switch h.mode {
	case framing, searching, answering:
		h.give(at, b)
		c.decode(h)
	case judging:
		c.judge(at, h, b)
	case passing:
		c.bytes.Bytes(at, h.dir, b)
	case starting, prefacing:
		h.hold(at, b)
		c.detect(at, h)
	}
}

// decode lets a direction take its bytes, and acts on each event.
func (c *Conn) decode(h *side) {
	for h.more() {
		switch h.next(c.expects(h.dir)) {
		case framed:
			c.replaying = h.intake.old
			c.finish(h.intake.time, h)
			c.replaying = false
		case found:
			c.enter(h.intake.now, h)
		case lost:
			c.lost(h.dir)
		case givenUp:
			c.decide(h.intake.now, ProtocolUnknown)
		case answered:
			c.endAnswer(h.intake.now, h)
		}
	}
}

// finish interprets the complete frame of a direction, or counts it in a Flood.
func (c *Conn) finish(at ktime.Time, h *side) {
	if h.framer.counted {
		h.framer.finish()
		if c.flood != nil && !h.framer.tallied {
			c.count(at, h)
		}
		h.counted()
		return
	}
	c.frame(at, h, h.finish())
	h.finished()
}

// enter accepts the frame boundaries that a direction has found. The caller then decodes
// its held bytes.
func (c *Conn) enter(at ktime.Time, h *side) {
	skipped := h.search.skipped + h.boundaries.first
	if !c.decided {
		c.decide(at, HTTP2)
		if o := c.other(h); o.mode == starting {
			c.startLost(at, o)
		}
	}
	if skipped > 0 { // among it may be SETTINGS, or the answer to some that came since the loss
		c.settings.lost(h.dir)
		c.windows.settingsLost(h.dir)
		c.limitTables()
	}
	if h.found || skipped > 0 {
		c.sink.Resync(at, h.dir, skipped)
	}
	h.enter(at)
}

// settle ends the search of a direction, as far as its held bytes allow.
func (c *Conn) settle(at ktime.Time, h *side) {
	for h.mode == searching && h.settle() == found {
		c.enter(at, h)
		c.decode(h)
	}
}

// lose gives up the frame boundaries of a direction.
func (c *Conn) lose(h *side, reason string) {
	h.lose(reason)
	c.lost(h.dir)
}

// skip takes n bytes that were left out on purpose, and returns the number of bytes that
// were not DATA payload.
func (c *Conn) skip(at ktime.Time, h *side, n int64) int64 {
	r := &h.framer
	if h.mode != framing || !r.inPayload || r.frame.typ != TypeData && !r.counted {
		return n
	}
	k := min(n, r.left)
	h.miss(k, false)
	if r.complete() {
		c.finish(at, h)
	}
	return n - k
}

// gap takes a loss of n bytes, or of an unknown number if n is negative. Framing
// continues if the loss ends in a payload of known length.
func (c *Conn) gap(at ktime.Time, h *side, n int64) {
	h.blocks.snapshots.lose(h.at, n)
	switch h.mode {
	case ignoring:
		return
	case answering:
		c.endAnswer(at, h)
		return
	case judging, passing:
		c.handOn(h)
		c.bytes.Gap(at, h.dir, n)
		return
	case starting, prefacing:
		c.startLost(at, h)
	}
	if c.settle(at, h); h.mode == searching {
		h.restart()
		c.lost(h.dir)
	}
	if h.mode != framing {
		h.pass(n)
		return
	}
	rest := n
	if r := &h.framer; r.inPayload {
		k := r.left
		if n >= 0 {
			k = min(n, r.left)
			rest = n - k
		}
		h.miss(k, true)
		if r.complete() {
			c.finish(at, h)
		}
		if rest == 0 {
			return
		}
	}
	h.pass(rest)
	c.lose(h, beforeLoss)
}

// end reports the frame that the end of the connection cut off.
func (c *Conn) end(at ktime.Time, h *side) {
	if (h.mode == starting || h.mode == prefacing) && c.streams.known && h.dir == c.streams.clientDir {
		n := min(len(h.held.buf), len(preface)) // a line that began, and is none of HTTP/1.x so far
		if !bytes.Equal(h.held.buf[:n], preface[:n]) {
			c.misbegun(h)
		}
	}
	if h.mode == starting && !c.fromStart && len(h.held.buf) > 0 {
		c.startLost(at, h)
	}
	c.settle(at, h)
	switch h.mode {
	case answering:
		c.endAnswer(at, h)
	case judging:
		c.handOn(h)
	}
	if r := &h.framer; h.mode == framing && r.inPayload {
		r.cut, r.missing = true, uint32(r.left)
		h.miss(r.left, true)
		c.finish(at, h)
	}
}
