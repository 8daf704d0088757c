package recover

import (
	"time"
)

const (
	// tablesAsked is how many tables of a connection are asked for at a time,
	// and maxAsks how often before it is given up.
	tablesAsked = 8
	maxAsks     = 32
)

// Asks is how often the tables of a connection were asked for. The zero value is that
// none was.
type Asks struct {
	n    int
	used [2]int // tables that came since the last ask, by direction
}

// Next returns how many tables of each direction are to be asked for, by whether it is
// known. It counts the ask.
func (a *Asks) Next(known [2]bool) (tables [2]uint32) {
	a.used = [2]int{}
	a.n++
	for dir := range tables {
		if a.n <= maxAsks && !known[dir] {
			tables[dir] = tablesAsked
		}
	}
	return tables
}

// Used takes a table that came, and reports whether those asked for are used up.
func (a *Asks) Used(dir int) bool {
	a.used[dir]++
	return a.used[dir] >= tablesAsked
}

// Hold is how long bytes that were received are held, and how many of a connection,
// for the table of a block in them.
type Hold struct {
	Longest time.Duration
	Bytes   int
	// undecided is how often they are held for nothing while the connection is not
	// known to speak HTTP/2, and vain how often at all, until a table comes; 0 is no
	// bound.
	undecided, vain int
}

// With TLS the kernel sends the table as soon as the process decodes what it read.
// Without, packets come before the process reads what is in them, and it may be far
// behind with that.
var (
	HoldRecords = Hold{Longest: 100 * time.Millisecond, Bytes: 64 << 10, undecided: 1024}
	HoldPackets = Hold{Longest: 500 * time.Millisecond, Bytes: 2 << 20, undecided: 64, vain: 64}
)

// Pays reports whether to hold once more, after it was in vain that often.
func (h *Hold) Pays(vain int, http2, decided bool) bool {
	if h.vain > 0 && vain >= h.vain {
		return false
	}
	return http2 || !decided && vain < h.undecided
}
