package dns

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"h2trace/decoder/ktime"
)

// Query is one question and what came of it.
type Query struct {
	Name, Type    string
	Local, Server netip.AddrPort
	Start, End    ktime.Time // End is 0 without an answer
	// RCode is empty without an answer. Answers are as dig +short writes them.
	RCode   string
	Answers []string

	id     uint16
	socket uint64
	addrs  []netip.Addr
}

// Lookup is the resolving of one name: all that a process asked for it.
type Lookup struct {
	ID   int    // of the lookup, from 1
	Name string // without what a search list added
	// Start is the first query, and End the last answer, or the last query
	// while there is none.
	Start, End ktime.Time
	RCode      string // of the last answer, empty when there was none
	Server     netip.AddrPort

	queries []*Query
	addrs   map[netip.Addr]bool
	used    bool // a connection was made to what it found
}

// failed reports whether it found nothing.
func (l *Lookup) failed() bool { return len(l.addrs) == 0 }

// failing reports whether it has found nothing so far, and waits for nothing.
func (l *Lookup) failing() bool { return l.failed() && l.RCode != "" && !l.pending() }

// pending reports whether an answer is still to come. A query that was made
// again is not waited for any more.
func (l *Lookup) pending() bool {
	for i, q := range l.queries {
		again := slices.ContainsFunc(l.queries[i+1:], func(r *Query) bool { return r.Name == q.Name && r.Type == q.Type })
		if q.End == 0 && !again {
			return true
		}
	}
	return false
}

// lacks reports whether a query asks for what the lookup does not know yet: the
// addresses of the other family, or those of one for which a name server failed.
// NOERROR and NXDOMAIN are answers (RFC 2308 §2), after which a resolver asks only
// in another lookup.
func (l *Lookup) lacks(q *Query) bool {
	asked := false
	for _, o := range l.queries {
		if o.Name == q.Name && o.Type == q.Type {
			if o.RCode == "NOERROR" || o.RCode == "NXDOMAIN" {
				return false
			}
			asked = true
		}
	}
	return asked || q.Name == l.queries[len(l.queries)-1].Name && isAddress(q.Type)
}

// isAddress reports whether a query of that type asks for addresses.
func isAddress(kind string) bool { return kind == "A" || kind == "AAAA" }

// took returns how long it took until a time: from the first query to the last
// answer before.
func (l *Lookup) took(at ktime.Time) time.Duration {
	var end ktime.Time
	for _, q := range l.queries {
		if q.End <= at {
			end = max(end, q.End)
		}
	}
	return end.Sub(l.Start)
}

// of reports whether a query for name is part of the lookup, and the name that
// is looked up then. A search list makes a process ask for a name with one
// suffix after the other until one is found (resolv.conf(5)).
func (l *Lookup) of(name string) (string, bool) {
	switch {
	case name == l.Name:
		return name, true
	case strings.HasPrefix(name, l.Name+".") && l.failing():
		return l.Name, true
	case strings.HasPrefix(l.Name, name+".") && l.failing():
		return name, true
	}
	common := commonLabels(l.Name, name)
	return common, common != "" && l.failing()
}

// commonLabels returns the labels with which both names begin.
func commonLabels(a, b string) string {
	n := 0
	for i := 0; i <= len(a) && i <= len(b); i++ {
		endA, endB := i == len(a) || a[i] == '.', i == len(b) || b[i] == '.'
		if endA && endB {
			n = i
		}
		if i == len(a) || i == len(b) || a[i] != b[i] {
			break
		}
	}
	return a[:n]
}
