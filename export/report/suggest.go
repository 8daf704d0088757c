package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

var (
	// ErrNoProxy says that no request for a module was recorded.
	ErrNoProxy = errors.New("no request to a module proxy was recorded")
	// errAllFailed says that every proxy has failed. The reasons come with it.
	errAllFailed = errors.New("no proxy that was asked is to be asked again")
	// errHidden says that a proxy has credentials that events do not have.
	errHidden = errors.New("GOPROXY has credentials, which are not recorded, and a line without them would break it; put them into .netrc, and record again")
)

// minRequests is the least number of requests for modules that make the rank of a proxy
// significant.
const minRequests = 3

// bad is the share of failures above which a proxy is not suggested.
const bad = 0.05

// measured is a proxy that found modules.
type measured struct {
	name   string
	t      *tally
	failed float64 // share of its requests
	median float64 // ns
	cost   float64 // ns per request that found something
	inside bool    // it is of the own house
	hidden bool    // its entry in GOPROXY has credentials
	logged bool    // median is that until the response began
}

// Suggestion is the measured order of proxies.
type Suggestion struct {
	// Command sets GOPROXY to that order.
	Command string
	// Reasons has a line for each proxy, with its rank and its numbers.
	Reasons []string
}

// Suggest orders the proxies by the time that it takes to find a module there. The go command
// asks the next proxy after a 404 or 410, so the cost of a proxy is the median time of a
// request, divided by the share of requests that found something. It leaves out a proxy that
// found nothing, that made a go command fail, or that failed more than a few requests. A "|",
// which allows any failure, follows a proxy that failed a few.
//
// A line must not break a build, or tell names to somebody else. So those of the own house,
// with a private address, come first, and a "," follows them: what they fail to answer is
// asked of no other. The end of GOPROXY stays.
func (b *Builder) Suggest() (Suggestion, error) {
	b.settleAll()
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
		if m.hidden {
			return Suggestion{Reasons: []string{clean(m.name + ": its entry in GOPROXY has credentials")}}, errHidden
		}
		value.WriteString(separator + m.name)
		separator = m.separator()
		s.Reasons = append(s.Reasons, clean(m.reason()))
	}
	s.Reasons = append(s.Reasons, left...)
	switch tail := b.sums.chain.tail; tail {
	case goproxy.None:
		s.Reasons = append(s.Reasons, "nothing follows the proxies, as before")
	case "":
		value.WriteString(separator + goproxy.Direct)
		s.Reasons = append(s.Reasons, "direct comes at the end; what followed the proxies before was not recorded")
	default:
		value.WriteString(separator + tail)
		s.Reasons = append(s.Reasons, tail+" stays at the end")
	}
	s.Reasons = append(s.Reasons, "what GOPRIVATE or GONOPROXY names is asked of no proxy, as before")
	s.Command = "go env -w GOPROXY=" + shellQuote(value.String())
	return s, nil
}

// separator returns what follows the proxy in GOPROXY.
func (m *measured) separator() string {
	if m.failed > 0 && !m.inside {
		return "|"
	}
	return ","
}

// rank returns the suggested proxies in their order, and the reasons against the others.
func (l *proxyTable) rank() (list []measured, left []string) {
	logged := l.anyOnlyLogged()
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		m, why := measure(name, l.values[name], logged)
		switch {
		case m.t.requests == 0 || strings.Contains(name, redact.Mark):
		case why != "":
			left = append(left, clean(name+": left out, "+why))
		default:
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y measured) int {
		return cmp.Or(second(x.inside)-second(y.inside), cmp.Compare(x.cost, y.cost), cmp.Compare(x.name, y.name))
	})
	return list, left
}

// second is lower for what comes first.
func second(first bool) int {
	if first {
		return 0
	}
	return 1
}

// ranked returns the proxies that Suggest names.
func (l *proxyTable) ranked() []measured {
	list, _ := l.rank()
	return list
}

// measure returns the numbers of a proxy, and the reason against it, or "". Where some proxies
// have no other time, it is that until the response began.
func measure(name string, p *proxy, logged bool) (m measured, why string) {
	t := &p.modules
	all := float64(t.requests)
	failed := t.failed() - t.missing
	found := t.requests - t.missing - failed - t.excused
	times := &t.total
	if logged {
		times = &t.wait
	}
	median, ok := times.quantile(0.5)
	m = measured{name: name, t: t, logged: logged, failed: float64(failed) / all, median: median, cost: median * all / float64(found)}
	m.inside, m.hidden = p.links.inside && len(p.via) == 0, p.hidden
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
	until := ""
	if m.logged {
		until = " until the response began"
	}
	reason := fmt.Sprintf("%s: median %.1f ms%s, %.1f %% of %d requests failed", m.name, m.median/1e6, until, m.failed*100, m.t.requests)
	if rate, ok := m.t.rate(); ok {
		reason += fmt.Sprintf(", %.2f MB/s", rate)
	}
	if n := m.t.missing; n > 0 {
		reason += fmt.Sprintf(", %d did not find the module", n)
	}
	if m.t.requests < minRequests {
		reason += "; too few requests to be sure"
	}
	switch {
	case m.inside && m.failed > 0:
		reason += "; it has a private address, so a `,` follows: what it fails to answer is asked of no other"
	case m.inside:
		reason += "; it has a private address, so it comes before others"
	case m.failed > 0:
		reason += "; a `|` follows, so that the next is asked after any failure"
	}
	return reason
}

// shellQuote quotes a word that contains text from a recording.
func shellQuote(s string) string {
	safe := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(":/.,-_~%+", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
