package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"h2trace/decoder/goproxy"
)

var (
	// ErrNoProxy is returned where no request for a module was recorded.
	ErrNoProxy = errors.New("no request to a module proxy was recorded")
	// errAllFailed is returned, with the reasons, where each proxy has failed.
	errAllFailed = errors.New("no proxy that was asked is to be asked again")
)

// minRequests is how many requests for modules a proxy must have had for its
// place in the order to mean something.
const minRequests = 3

// bad is the share of failures above which a proxy is not to be asked.
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
	// Reasons has a line for each proxy, with the numbers after its place.
	Reasons []string
}

// Suggest orders the proxies that were asked for modules by the time that it takes
// to find a module there. The go command asks the next proxy when one answers 404
// or 410, so what counts is the median time of a request for each one that found
// something. A proxy has no place that found nothing, because of which a go command
// failed, or that failed more than a few requests. After one that failed a few
// stands a "|", which lets any failure go on. What GOPROXY ended with is kept.
func (b *Builder) Suggest() (Suggestion, error) {
	var s Suggestion
	list, left := b.sums.tables.proxies.rank()
	switch {
	case len(list) == 0 && left != nil:
		return Suggestion{Reasons: left}, errAllFailed
	case len(list) == 0:
		return s, ErrNoProxy
	}
	var value strings.Builder
	separator := ""
	for _, m := range list {
		value.WriteString(separator + m.name)
		if separator = ","; m.failed > 0 {
			separator = "|"
		}
		s.Reasons = append(s.Reasons, clean(m.reason()))
	}
	s.Reasons = append(s.Reasons, left...)
	switch b.sums.chain.tail {
	case goproxy.None:
	case goproxy.Off:
		value.WriteString(separator + goproxy.Off)
	default:
		value.WriteString(separator + goproxy.Direct)
	}
	s.Command = "go env -w GOPROXY=" + shellQuote(value.String())
	return s, nil
}

// rank returns the proxies that are to be asked again, in their order, and why others
// are not.
func (l *proxyTable) rank() (list []measured, left []string) {
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		m, why := measure(name, l.values[name])
		switch {
		case m.t.requests == 0 || strings.Contains(name, "<redacted>"):
		case why != "":
			left = append(left, clean(name+": left out, "+why))
		default:
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y measured) int {
		return cmp.Or(cmp.Compare(x.cost, y.cost), cmp.Compare(x.name, y.name))
	})
	return list, left
}

// ranked returns the proxies that Suggest names.
func (l *proxyTable) ranked() []measured {
	list, _ := l.rank()
	return list
}

// measure returns what is known of a proxy, and why it is not to be asked again, or "".
func measure(name string, p *proxy) (m measured, why string) {
	t := &p.modules
	all := float64(t.requests)
	failed := t.failed() - t.missing
	found := t.requests - t.missing - failed - t.excused
	median, ok := t.total.quantile(0.5)
	m = measured{name: name, t: t, failed: float64(failed) / all, median: median, cost: median * all / float64(found)}
	switch {
	case !ok || found <= 0:
		return m, fmt.Sprintf("none of %d requests found a module", t.requests)
	case p.blamed != "":
		return m, "a go command failed because of it (" + p.blamed + ")"
	case m.failed > bad:
		return m, fmt.Sprintf("%.1f %% of %d requests failed", m.failed*100, t.requests)
	}
	return m, ""
}

func (m *measured) reason() string {
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
	return reason
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
