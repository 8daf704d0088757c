package decoder

import (
	"cmp"
	"maps"
	"slices"
)

// Budget bounds what Conns hold of frames and field blocks that are not complete,
// of bytes that are searched for frames, and of streams, in all. Each may hold a
// little without it. Who holds most lets go when it is used up: headers are
// unknown then, never wrong. Conns that share one are used by one goroutine.
type Budget struct {
	limit   int64
	used    int64
	holders map[holder]struct{}
}

// holder is a direction that has a share.
type holder struct {
	conn *Conn
	dir  Direction
}

func (r holder) side() *side { return &r.conn.sides[r.dir] }

// NewBudget returns a Budget of so many bytes.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, holders: make(map[holder]struct{})}
}

// account notes what a direction holds now, and has the largest holders let go
// until there is room again: a quarter of all, so that looking for them costs
// little a byte.
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

// holds returns how many bytes a direction holds beyond what each may.
func (c *Conn) holds(h *side) int64 {
	n := max(0, cap(h.framer.payload)-keepBuffer) + max(0, cap(h.held.buf)-keepBuffer) +
		h.blocks.held()
	if c.streams.known && h.dir == c.streams.clientDir {
		n += max(0, len(c.streams.byID)-keepStreams) * streamCost
	}
	return int64(n)
}

// letGo gives up what a direction holds.
func (c *Conn) letGo(h *side) {
	h.framer.letGo()
	h.blocks.letGo()
	switch h.mode {
	case starting: // a start line that does not end
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
		c.streams.active = [2]int{}
	}
}
