package flow

import (
	"bytes"

	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
	// maxWaiting bounds the bytes of a connection that wait for what they answer.
	maxWaiting = 1 << 20
	// leastWaiting is the least cost of a part, in bytes.
	leastWaiting = 128
)

// part is the next bytes of a direction, or a hole in it.
type part struct {
	at      ktime.Time
	needs   uint64 // offset of the other direction that its sender had acknowledged
	b       []byte
	missing uint64
	why     tcp.Cause
}

func (p *part) cost() int { return leastWaiting + len(p.b) }

// offer takes the next part of a direction. It is delivered after the bytes that its sender
// had received by then: an answer does not come before its question, even if packets of the
// question are missing or were captured later.
func (c *Conn) offer(h *half, p part) {
	other := &c.halves[h.dir^1]
	p.needs = min(other.ackedBytes(), other.last())
	if len(h.waiting) == 0 && other.delivered >= p.needs {
		h.deliver(&p)
		c.pump()
		return
	}
	p.b = bytes.Clone(p.b)
	h.waiting = append(h.waiting, p)
	h.held += p.cost()
	c.table.held += p.cost()
	if !c.forcing && (h.held > maxWaiting || c.table.held > c.table.maxHeld) {
		c.forcing = true // the streams are not to be called from inside of their calls
		c.force(p.at, h)
		c.forcing = false
	}
}

// last returns where a direction ends, as far as that is known.
func (h *half) last() uint64 {
	if h.ended != 0 {
		return max(h.reach, h.fin)
	}
	return h.reach + maxAhead
}

// pump delivers what waits no longer.
func (c *Conn) pump() {
	for progress := true; progress; {
		progress = false
		for d := range c.halves {
			h, other := &c.halves[d], &c.halves[d^1]
			for len(h.waiting) > 0 && other.delivered >= h.waiting[0].needs {
				h.next()
				progress = true
			}
		}
	}
}

// next delivers the first part that waits.
func (h *half) next() {
	p := h.waiting[0]
	h.waiting[0] = part{}
	if h.waiting = h.waiting[1:]; len(h.waiting) == 0 {
		h.waiting = nil
	}
	h.held -= p.cost()
	h.conn.table.held -= p.cost()
	h.deliver(&p)
}

// force ends the wait of a direction, as too much waits: it gives up what is missing of the
// other one.
func (c *Conn) force(at ktime.Time, h *half) {
	other := &c.halves[h.dir^1]
	needs := h.waiting[len(h.waiting)-1].needs
	other.reach = max(other.reach, needs)
	other.stream.GiveUp(at, needs, c.table.segments, other)
	c.pump()
	for len(h.waiting) > 0 {
		h.next()
	}
	c.pump()
}

// settle delivers all that waits of a connection that is over.
func (c *Conn) settle() {
	c.pump()
	for d := range c.halves {
		for len(c.halves[d].waiting) > 0 {
			c.halves[d].next()
			c.pump()
		}
	}
}

// deliver decodes a part.
func (h *half) deliver(p *part) {
	c := h.conn
	first := h.delivered == 0 && c.halves[h.dir^1].delivered == 0
	h.delivered += uint64(len(p.b)) + p.missing
	switch {
	case p.b != nil && c.layer == nil:
		c.open(p, h.dir, first)
		c.layer.data(p.at, h.dir, p.b)
	case p.b != nil:
		c.layer.data(p.at, h.dir, p.b)
	case c.layer == nil:
		c.FromStart = false
	case p.why == tcp.LeftOut:
		c.layer.skip(p.at, h.dir, int64(p.missing))
	default:
		c.layer.hole(p.at, h.dir, int64(p.missing))
	}
}
