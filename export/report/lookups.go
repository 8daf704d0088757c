package report

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"h2trace/export/scan"
)

// dnsEvent is a query to a name server.
type dnsEvent struct {
	head
	name, remote, kind, rcode, answers []byte
	took                               time.Duration
	known                              bool
}

func (e *dnsEvent) member(key, v []byte) {
	switch string(key) {
	case "name":
		e.name = v
	case "remote":
		e.remote = v
	case "type":
		e.kind = v
	case "rcode":
		e.rcode = v
	case "answers":
		e.answers = v
	case "dns_ms":
		e.took, e.known = scan.Millis(v)
	}
}

// answered reports whether an answer came.
func (e *dnsEvent) answered() bool { return e.rcode != nil && e.rcode[0] == '"' }

// said is what the answer of a resolver says of a name.
func (e *dnsEvent) said() string {
	if !scan.Is(e.rcode, "NOERROR") {
		return "says " + scan.Text(e.rcode)
	}
	says := "has no address"
	for answer := range bytes.SplitSeq(bytes.Trim(e.answers, "[]"), []byte(",")) {
		if addr, err := netip.ParseAddr(scan.Text(answer)); err == nil {
			if within(addr) {
				return "has a private address"
			}
			says = "has an address"
		}
	}
	return says
}

// lookups is what resolvers answered.
type lookups struct {
	took      sketch
	names     byName[lookup]   // by name and type
	resolvers byName[resolver] // by address
	// differ has a line for each name of which resolvers say different things.
	differ []string
}

// lookup is what the first resolver said of a name.
type lookup struct {
	resolver, says string
	differs        bool
}

// resolver is how often a resolver was asked, and did not answer.
type resolver struct{ asked, silent int64 }

// Bounds on the names that are compared, on the resolvers, and on the lines.
const (
	maxNames     = 1 << 10
	maxResolvers = 1 << 6
	maxDiffer    = 4
)

// A resolver is silent when it did not answer one of silentShare queries, and at least
// fewSilent: packets get lost, and a process may end before an answer.
const (
	silentShare = 10
	fewSilent   = 2
)

func (l *lookups) add(e *dnsEvent) {
	if e.known {
		l.took.add(e.took)
	}
	if l.names.values == nil {
		l.names, l.resolvers = newByName[lookup](maxNames), newByName[resolver](maxResolvers)
	}
	if r := l.resolvers.get(scan.Text(e.remote)); r != nil {
		r.asked++
		if !e.answered() {
			r.silent++
		}
	}
	if !e.answered() {
		return
	}
	name := scan.Text(e.name) + " (" + scan.Text(e.kind) + ")"
	first, says, resolver := l.names.get(name), e.said(), scan.Text(e.remote)
	switch {
	case first == nil || first.differs:
	case first.resolver == "":
		first.resolver, first.says = resolver, says
	case first.resolver != resolver && first.says != says:
		first.differs = true
		if len(l.differ) < maxDiffer {
			l.differ = append(l.differ, fmt.Sprintf("resolvers differ on %s: %s %s, %s %s", strings.TrimSuffix(name, " ()"), first.resolver, first.says, resolver, says))
		}
	}
}

func (l *lookups) evidence(cause Cause) []string {
	list := append(l.silent(), l.differ...)
	p50, ok := l.took.quantile(0.5)
	p95, _ := l.took.quantile(0.95)
	if cause == DNS && ok {
		list = append([]string{fmt.Sprintf("%s: P50 %s, P95 %s", several(int64(l.took.count), "query", "queries"),
			human(time.Duration(p50)), human(time.Duration(p95)))}, list...)
	}
	return list
}

// silent has a line for each resolver that leaves queries without an answer.
func (l *lookups) silent() (list []string) {
	for _, at := range slices.Sorted(maps.Keys(l.resolvers.values)) {
		if r := l.resolvers.values[at]; r.silent >= fewSilent && r.silent*silentShare >= r.asked && len(list) < maxDiffer {
			list = append(list, fmt.Sprintf("the resolver %s did not answer %d of %s", at, r.silent, several(r.asked, "query", "queries")))
		}
	}
	return list
}
