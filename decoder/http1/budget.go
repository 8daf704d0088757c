package http1

// Budget bounds what connections keep together, in bytes: heads that are not
// complete, and what the caller takes of it besides. Each is bounded by
// itself, and thousands of them are not by that. A nil Budget bounds nothing.
type Budget struct{ max, used int64 }

// NewBudget returns one of max bytes.
func NewBudget(max int64) *Budget { return &Budget{max: max} }

// Max returns what it is of.
func (b *Budget) Max() int64 { return b.max }

// Used returns how much is taken.
func (b *Budget) Used() int64 { return b.used }

// take takes n bytes and reports whether they are there; else it takes nothing.
func (b *Budget) take(n int64) bool {
	if b != nil && b.used+n > b.max {
		return false
	}
	b.Add(n)
	return true
}

// Add takes n bytes, or gives them back where n is negative, whether they are
// there or not.
func (b *Budget) Add(n int64) {
	if b != nil {
		b.used += n
	}
}

// Over reports whether more is taken than there is.
func (b *Budget) Over() bool { return b != nil && b.used > b.max }
