package recover

import (
	"time"
)

const (
	// tablesAsked is how many tables of a connection are asked for at a time. maxAsks
	// is how often before it is given up until the next loss.
	tablesAsked = 8
	maxAsks     = 32
)

// Asks counts how often the tables of a connection were asked for since its last loss.
// The zero value is ready.
type Asks struct {
	n    int
	used [2]int // tables that came since the last ask, by direction
}

// Next counts an ask, unless nothing came since the last one: to repeat an ask costs the
// process nothing. It returns how many tables to ask for in each direction, by
// which of them are known.
func (a *Asks) Next(known [2]bool) (tables [2]uint32) {
	if a.n == 0 || a.used != [2]int{} {
		a.n++
	}
	a.used = [2]int{}
	for dir := range tables {
		if a.n <= maxAsks && !known[dir] {
			tables[dir] = tablesAsked
		}
	}
	return tables
}

// Used takes that a table came. It reports whether all that were asked for have come.
func (a *Asks) Used(dir int) bool {
	a.used[dir]++
	return a.used[dir] >= tablesAsked
}

// Hold bounds how long, and how many, received bytes of a connection are held for the
// table of a block in them.
type Hold struct {
	Longest time.Duration
	Bytes   int
	// undecided is how often they may be held in vain before the connection is known to
	// speak HTTP/2. vain is how often at all until a table comes; 0 is no bound.
	undecided, vain int
}

// With TLS, the kernel sends the table as soon as the process decodes what it read.
// Without TLS, packets arrive before the process reads them, maybe long before.
var (
	HoldRecords = Hold{Longest: 100 * time.Millisecond, Bytes: 64 << 10, undecided: 1024}
	HoldPackets = Hold{Longest: 500 * time.Millisecond, Bytes: 2 << 20, undecided: 64, vain: 64}
)

// Pays reports whether to hold once more, after so many times in vain.
func (h *Hold) Pays(vain int, http2, decided bool) bool {
	if h.vain > 0 && vain >= h.vain {
		return false
	}
	return http2 || !decided && vain < h.undecided
}
