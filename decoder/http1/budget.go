package http1

// Budget bounds the bytes that many connections keep together: incomplete heads,
// and what the caller adds. Each connection has its own bound, but thousands of
// them need a common one. A nil Budget bounds nothing.
type Budget struct{ max, used int64 }

// NewBudget returns a Budget of max bytes.
func NewBudget(max int64) *Budget { return &Budget{max: max} }

// Max returns the size of the Budget, in bytes.
func (b *Budget) Max() int64 { return b.max }

// Used returns the number of bytes taken.
func (b *Budget) Used() int64 { return b.used }

// take takes n bytes and reports true, or takes nothing when fewer are left.
func (b *Budget) take(n int64) bool {
	if b != nil && b.used+n > b.max {
		return false
	}
	b.Add(n)
	return true
}

// Add takes n bytes, even when fewer are left, or returns them if n is negative.
func (b *Budget) Add(n int64) {
	if b != nil {
		b.used += n
	}
}

// Over reports whether more bytes are taken than the Budget has.
func (b *Budget) Over() bool { return b != nil && b.used > b.max }
