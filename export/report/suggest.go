package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoProxy is returned where no request for a module was recorded.
var ErrNoProxy = errors.New("no request to a module proxy was recorded")

// minRequests is how many requests for modules a proxy must have had for its
// place in the order to mean something.
const minRequests = 3

// Suggestion is the measured order of proxies.
type Suggestion struct {
	// Command sets GOPROXY to that order.
	Command string
	// Reasons has a line for each proxy, with the numbers behind its place.
	Reasons []string
}

// Suggest orders the proxies that were asked for modules: those that failed
// least first, then by the median time of a request. A status 404 or 410 is no
// failure: the go command asks the next proxy.
func (b *Builder) Suggest() (Suggestion, error) {
	type measured struct {
		name   string
		p      *tally
		rate   float64 // of failures
		median float64 // ns
		few    bool
	}
	var list []measured
	for name, p := range b.proxies.values {
		t := &p.modules
		median, ok := t.total.quantile(0.5)
		if !ok || strings.Contains(name, "<redacted>") {
			continue
		}
		failed := t.failed() - t.missing
		list = append(list, measured{name, t, float64(failed) / float64(t.requests), median, t.requests < minRequests})
	}
	if len(list) == 0 {
		return Suggestion{}, ErrNoProxy
	}
	const bad = 0.05 // of its requests: what fails less is told apart by time
	slices.SortFunc(list, func(x, y measured) int {
		return cmp.Or(cmp.Compare(max(x.rate, bad), max(y.rate, bad)), cmp.Compare(x.median, y.median), cmp.Compare(x.name, y.name))
	})
	var s Suggestion
	var names []string
	for _, m := range list {
		names = append(names, m.name)
		reason := fmt.Sprintf("%s: median %.1f ms, %.1f %% of %d requests failed", m.name, m.median/1e6, m.rate*100, m.p.requests)
		if rate, ok := m.p.rate(); ok {
			reason += fmt.Sprintf(", %.2f MB/s", rate)
		}
		if m.few {
			reason += "; too few requests to be sure"
		}
		s.Reasons = append(s.Reasons, clean(reason))
	}
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
