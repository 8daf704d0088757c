package decoder

import (
	"cmp"
	"maps"
	"slices"
)

// Budget bounds the memory that many Conns hold together: incomplete frames and field
// blocks, bytes that are searched for frames, and streams. Each Conn may hold a little
// outside it. When it is used up, the largest holders drop their bytes: headers become
// unknown, never wrong. One goroutine uses all Conns that share a Budget.
type Budget struct {
	limit   int64
	used    int64
	holders map[holder]struct{}
}

// holder is a direction that holds a share.
type holder struct {
	conn *Conn
	dir  Direction
}

func (r holder) side() *side { return &r.conn.sides[r.dir] }

// NewBudget returns a Budget of limit bytes.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, holders: make(map[holder]struct{})}
}

// account updates the share of a direction. If the Budget is exceeded, the largest
// holders drop bytes until a quarter is free, so that the search for them costs little
// per byte.
func (b *Budget) account(c *Conn, d Direction) {
	h := &c.sides[d]
	n := c.holds(h)
	if n == h.charged {
		return
	}
	if b.charge(c, h, n); b.used > b.limit {
		b.relieve()
	}
}

func (b *Budget) relieve() {
	holders := slices.SortedFunc(maps.Keys(b.holders), func(x, y holder) int {
		return cmp.Compare(y.side().charged, x.side().charged)
	})
	for _, r := range holders {
		if b.used <= b.limit/4*3 {
			return
		}
		h := r.side()
		r.conn.letGo(h)
		b.charge(r.conn, h, r.conn.holds(h))
	}
}

func (b *Budget) charge(c *Conn, h *side, n int64) {
	b.used += n - h.charged
	if h.charged = n; n == 0 {
		delete(b.holders, holder{c, h.dir})
	} else {
		b.holders[holder{c, h.dir}] = struct{}{}
	}
}

// holds returns the number of bytes that a direction holds in the Budget.
func (c *Conn) holds(h *side) int64 {
	n := max(0, cap(h.framer.payload)-keepBuffer) + max(0, cap(h.held.buf)-keepBuffer) +
		h.blocks.held()
	if c.streams.known && h.dir == c.streams.clientDir {
		n += max(0, len(c.streams.byID)-keepStreams) * streamCost
	}
	return int64(n)
}

// letGo drops the bytes that a direction holds.
func (c *Conn) letGo(h *side) {
	h.framer.letGo()
	h.blocks.letGo()
	switch h.mode {
	case starting: // an endless start line
		c.decide(h.held.latest(), ProtocolUnknown)
		return
	case prefacing:
		c.startLost(h.held.latest(), h)
		h.trim(h.search.pos)
	case searching:
		h.trim(h.search.pos)
	}
	h.held.buf = append([]byte(nil), h.held.buf...)
	if c.streams.known && h.dir == c.streams.clientDir && len(c.streams.byID) > keepStreams {
		c.streams.crowded = true
		c.streams.byID = nil
		c.windows.dropAll()
		c.streams.active = [2]int{}
	}
}
