package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNoProxy is returned where no request for a module was recorded.
var ErrNoProxy = errors.New("no request to a module proxy was recorded")

// minRequests is how many requests for modules a proxy must have had for its
// place in the order to mean something.
const minRequests = 3

// bad is the share of failures below which proxies are told apart by time.
const bad = 0.05

// measured is a proxy that found modules.
type measured struct {
	name   string
	t      *tally
	failed float64 // share of its requests
	median float64 // ns
	cost   float64 // ns, for each request that found something
}

// Suggestion is the measured order of proxies.
type Suggestion struct {
	// Command sets GOPROXY to that order.
	Command string
	// Reasons has a line for each proxy, with the numbers behind its place.
	Reasons []string
}

// Suggest orders the proxies that were asked for modules: those that failed
// least first, then by the time that it takes to find a module there. The go
// command asks the next proxy when one answers 404 or 410, so what counts is the
// median time of a request for each one that found something. A proxy that
// found nothing has no place.
func (b *Builder) Suggest() (Suggestion, error) {
	var s Suggestion
	var list []measured
	for _, name := range slices.Sorted(maps.Keys(b.proxies.values)) {
		t := &b.proxies.values[name].modules
		failed := t.failed() - t.missing
		found := t.requests - t.missing - failed
		median, ok := t.total.quantile(0.5)
		switch {
		case t.requests == 0 || strings.Contains(name, "<redacted>"):
		case !ok || found <= 0:
			s.Reasons = append(s.Reasons, clean(fmt.Sprintf("%s: left out, none of %d requests found a module", name, t.requests)))
		default:
			all := float64(t.requests)
			list = append(list, measured{name, t, float64(failed) / all, median, median * all / float64(found)})
		}
	}
	if len(list) == 0 {
		return s, ErrNoProxy
	}
	slices.SortFunc(list, func(x, y measured) int {
		return cmp.Or(cmp.Compare(max(x.failed, bad), max(y.failed, bad)), cmp.Compare(x.cost, y.cost), cmp.Compare(x.name, y.name))
	})
	left := s.Reasons
	s.Reasons = nil
	var names []string
	for _, m := range list {
		names = append(names, m.name)
		reason := fmt.Sprintf("%s: median %.1f ms, %.1f %% of %d requests failed", m.name, m.median/1e6, m.failed*100, m.t.requests)
		if rate, ok := m.t.rate(); ok {
			reason += fmt.Sprintf(", %.2f MB/s", rate)
		}
		if n := m.t.missing; n > 0 {
			reason += fmt.Sprintf(", %d did not find the module", n)
		}
		if m.t.requests < minRequests {
			reason += "; too few requests to be sure"
		}
		s.Reasons = append(s.Reasons, clean(reason))
	}
	s.Reasons = append(s.Reasons, left...)
	s.Command = "go env -w GOPROXY=" + shellQuote(strings.Join(append(names, "direct"), ","))
	return s, nil
}

// shellQuote quotes a word of which parts came from a recording.
func shellQuote(s string) string {
	safe := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(":/.,-_~%+", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
