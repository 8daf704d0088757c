package dns

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"h2trace/decoder/ktime"
)

// Query is one question and its outcome.
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

// Lookup is the resolution of one name, with all queries that a process made for it.
type Lookup struct {
	ID   int    // number of the lookup, from 1
	Name string // without a suffix from a search list
	// Start is the time of the first query. End is that of the last answer, or of
	// the last query while there is no answer.
	Start, End ktime.Time
	RCode      string // of the last answer, empty without one
	Server     netip.AddrPort

	queries []*Query
	addrs   map[netip.Addr]bool
	used    bool // a connection was made to one of its addresses
}

// failed reports whether the lookup ended without an address.
func (l *Lookup) failed() bool { return len(l.addrs) == 0 }

// failing reports whether the lookup has no address and no pending query.
func (l *Lookup) failing() bool { return l.failed() && l.RCode != "" && !l.pending() }

// pending reports whether an answer is outstanding. A retransmitted query replaces
// the one before it.
func (l *Lookup) pending() bool {
	for i, q := range l.queries {
		again := slices.ContainsFunc(l.queries[i+1:], func(r *Query) bool { return r.Name == q.Name && r.Type == q.Type })
		if q.End == 0 && !again {
			return true
		}
	}
	return false
}

// lacks reports whether a query asks for addresses that the lookup does not have: of
// the other family, or of one for which a name server failed. NOERROR and NXDOMAIN
// are answers (RFC 2308 §2); a resolver asks again only in another lookup.
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

// took returns the duration from the first query to the last answer before a time.
func (l *Lookup) took(at ktime.Time) time.Duration {
	var end ktime.Time
	for _, q := range l.queries {
		if q.End <= at {
			end = max(end, q.End)
		}
	}
	return end.Sub(l.Start)
}

// of reports whether a query for name belongs to the lookup, and the name of the
// lookup then. With a search list, a process appends one suffix after the other
// until a name exists (resolv.conf(5)).
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
