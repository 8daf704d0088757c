package tcp

import (
	"bytes"
	"cmp"
	"slices"
)

const (
	// maxHeld bounds the bytes that one Stream holds. A receive window may hold as
	// many while a segment is retransmitted.
	maxHeld = 4 << 20
	// leastHeld is the least cost of a piece, in bytes. It bounds their number.
	leastHeld = 2 << 10
)

// Budget bounds the bytes that many Streams hold together. One that exceeds it gives up on
// the bytes that are missing, as if it held 4 MiB, which each may hold. A nil Budget bounds
// nothing. It is not safe for concurrent use.
type Budget struct{ most, held int }

// NewBudget returns a Budget of most bytes.
func NewBudget(most int) *Budget { return &Budget{most: most} }

// add takes n bytes, or returns them if n is negative.
func (b *Budget) add(n int) {
	if b != nil {
		b.held += n
	}
}

func (b *Budget) exceeded() bool { return b != nil && b.held > b.most }

// piece is an interval of a stream.
type piece struct {
	from, to uint64
	b        []byte // nil: they are left out
	mark     mark
}

// after returns the part of a piece from an offset in it on.
func (p piece) after(from uint64) piece {
	if p.b != nil {
		p.b = p.b[from-p.from:]
	}
	p.from = from
	return p
}

// before returns the part of a piece up to an offset in it.
func (p piece) before(to uint64) piece {
	if p.b != nil {
		p.b = p.b[:to-p.from]
	}
	p.to = to
	return p
}

// cost returns the bytes that a piece takes from a Budget.
func (p piece) cost() int { return max(leastHeld, len(p.b)) }

// queue holds the pieces of a stream that came too early. They are in order, do not
// overlap and are not empty. The assemblers of gopacket cannot replace it: they skip
// a hole only when they hold too much or too long, and have no call for bytes of a
// known length that will not come.
type queue struct {
	pieces []piece
	cost   int
}

// put copies those bytes of a piece that the queue does not hold yet.
func (q *queue) put(p piece, budget *Budget) {
	i, _ := slices.BinarySearchFunc(q.pieces, p.from, func(o piece, from uint64) int {
		return cmp.Compare(o.to, from+1)
	})
	for ; p.from < p.to; i++ {
		next := p.to // of the bytes not held
		if i < len(q.pieces) {
			held := q.pieces[i]
			if held.from <= p.from {
				p = p.after(min(p.to, held.to))
				continue
			}
			next = min(next, held.from)
		}
		q.insert(i, p.before(next), budget)
		p = p.after(next)
	}
}

func (q *queue) insert(i int, p piece, budget *Budget) {
	p.b = bytes.Clone(p.b)
	q.pieces = slices.Insert(q.pieces, i, p)
	q.cost += p.cost()
	budget.add(p.cost())
}

// reach returns where the last piece ends, or next without a piece.
func (q *queue) reach(next uint64) uint64 {
	if n := len(q.pieces); n > 0 {
		return q.pieces[n-1].to
	}
	return next
}

// take removes the first piece if it begins at or before an offset.
func (q *queue) take(at uint64, budget *Budget) (piece, bool) {
	if len(q.pieces) == 0 || q.pieces[0].from > at {
		return piece{}, false
	}
	p := q.pieces[0]
	q.pieces[0] = piece{}
	q.pieces = q.pieces[1:]
	if len(q.pieces) == 0 {
		q.pieces = nil
	}
	q.cost -= p.cost()
	budget.add(-p.cost())
	return p, true
}

// over reports whether the queue exceeds a bound.
func (q *queue) over(budget *Budget) bool {
	return len(q.pieces) > 0 && (q.cost > maxHeld || budget.exceeded())
}

// drop removes all pieces.
func (q *queue) drop(budget *Budget) {
	budget.add(-q.cost)
	*q = queue{}
}
