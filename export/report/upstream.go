package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"h2trace/export/scan"
)

// upstream joins the requests for modules that an observed module proxy serves with those
// that it, or a go command that it runs, makes for them: those for the same module and
// version, at the same time. A request that several wait for is of each of them.
type upstream struct {
	made    map[sought]*madeFor // by the proxy
	count   int                 // of these
	waiting []servedModule      // to be judged when all that was made for them has ended
	kinds   byName[servedKind]
}

// sought is what a request for a module asks for. The list of versions, and the latest one,
// have no version.
type sought struct{ path, version string }

// madeFor holds when requests for the same were under way that have ended.
type madeFor struct {
	times  []interval
	merged bool
}

// servedModule is a served request for a module.
type servedModule struct {
	sought
	interval
	kind   string
	failed bool
}

// servedKind is the tally of the served requests of one kind.
type servedKind struct {
	requests, failed, hits, misses int64
	hit, miss                      sketch        // total times
	own, upstream                  time.Duration // of the misses
}

// Bounds on what is remembered, and how long after its end a served request is judged:
// events of different connections may come in another order than they happened.
const (
	maxMade    = 1 << 14
	maxWaiting = 1 << 16
	judgeAfter = time.Second
)

// opened says that an observed process is a server.
func (u *upstream) opened() {
	if u.kinds.values == nil {
		u.kinds = newByName[servedKind](maxKinds)
	}
}

func soughtBy(x *exchangeEvent) sought {
	w := sought{path: scan.Text(x.path)}
	if !scan.Is(x.kind, "list") && !scan.Is(x.kind, "latest") {
		w.version = scan.Text(x.version)
	}
	return w
}

// make takes a request that an observed process made.
func (u *upstream) make(x *exchangeEvent) {
	if x.path == nil || !x.known[phaseTotal] || u.kinds.values == nil {
		return // nobody is served
	}
	if u.count == maxMade {
		u.judge(x.at)
		clear(u.made)
		u.count = 0
	}
	if u.made == nil {
		u.made = make(map[sought]*madeFor)
	}
	w := soughtBy(x)
	if u.made[w] == nil {
		u.made[w] = &madeFor{}
	}
	u.made[w].add(interval{x.at.add(-x.phases[phaseTotal]), x.at})
	u.count++
}

func (m *madeFor) add(i interval) { m.times, m.merged = append(m.times, i), false }

// overlap returns in how much of a period a request was under way. Thousands may be served
// that wait for the same.
func (m *madeFor) overlap(i interval) time.Duration {
	if m == nil {
		return 0
	}
	if !m.merged {
		m.times, m.merged = merged(m.times), true
	}
	return overlap(m.times, i.begin, i.end)
}

// serve takes a request that an observed process served.
func (u *upstream) serve(x *exchangeEvent) {
	u.opened()
	if x.path == nil || !x.known[phaseTotal] {
		return
	}
	if len(u.waiting) == maxWaiting {
		u.judge(math.MaxInt64)
	}
	u.waiting = append(u.waiting, servedModule{soughtBy(x), interval{x.at.add(-x.phases[phaseTotal]), x.at}, scan.Text(x.kind), x.class != nil})
	if u.waiting[0].end <= x.at.add(-2*judgeAfter) { // many at once, as the others move then
		u.judge(x.at.add(-judgeAfter))
	}
}

// judge judges the requests that had ended at a time.
func (u *upstream) judge(at wallTime) {
	n := 0
	for ; n < len(u.waiting) && u.waiting[n].end <= at; n++ {
		u.add(&u.waiting[n])
	}
	u.waiting = slices.Delete(u.waiting, 0, n)
}

func (u *upstream) add(m *servedModule) {
	k := u.kinds.get(m.kind)
	if k == nil {
		return
	}
	k.requests++
	total := m.end.sub(m.begin)
	waited := u.made[m.sought].overlap(m.interval)
	switch {
	case m.failed:
		k.failed++
	case waited > 0:
		k.misses++
		k.miss.add(total)
		k.upstream += waited
		k.own += total - waited
	default:
		k.hits++
		k.hit.add(total)
	}
}

// end ends a run.
func (u *upstream) end() {
	u.judge(math.MaxInt64)
	u.waiting, u.count = nil, 0
	clear(u.made)
}

// evidence says what the misses waited for.
func (u *upstream) evidence() []string {
	var all servedKind
	for _, k := range u.kinds.values {
		all.hits += k.hits
		all.misses += k.misses
		all.own += k.own
		all.upstream += k.upstream
	}
	if all.misses == 0 {
		return nil
	}
	return []string{fmt.Sprintf("of %d module requests that it answered, it had to ask for %d itself: of %s each (mean) it waited for %s",
		all.hits+all.misses, all.misses, mean(all.own+all.upstream, all.misses), mean(all.upstream, all.misses))}
}

// ServedKind is the tally of the module requests of one kind that observed module proxies
// served. A miss is one for which they made a request, or shared one; Upstream is the time of
// that, and Own the rest.
type ServedKind struct {
	Kind     string     `json:"kind"`
	Requests int64      `json:"requests"`
	Failed   int64      `json:"failed"`
	Hits     int64      `json:"hits"`
	Misses   int64      `json:"misses"`
	Hit      *Quantiles `json:"hit_ms"`
	Miss     *Quantiles `json:"miss_ms"`
	Own      Millis     `json:"own_ms"`
	Upstream Millis     `json:"upstream_ms"`
}

func (u *upstream) report() []ServedKind {
	list := []ServedKind{}
	for name, k := range u.kinds.values {
		list = append(list, ServedKind{name, k.requests, k.failed, k.hits, k.misses, quantiles(&k.hit), quantiles(&k.miss), ms(k.own), ms(k.upstream)})
	}
	slices.SortFunc(list, func(a, b ServedKind) int { return cmp.Compare(a.Kind, b.Kind) })
	return list
}

func (r *Report) servedTable() table {
	t := table{"Module requests served (times in ms; a miss is one that was asked for elsewhere)", [][]string{
		{"kind", "requests", "failed", "hits", "hit p50", "p95", "p99", "misses", "miss p50", "p95", "p99", "own", "upstream"},
	}}
	for _, k := range r.Served {
		row := append([]string{clean(k.Kind), fmt.Sprint(k.Requests), fmt.Sprint(k.Failed), fmt.Sprint(k.Hits)}, k.Hit.three()...)
		row = append(append(row, fmt.Sprint(k.Misses)), k.Miss.three()...)
		t.rows = append(t.rows, append(row, number(k.Own), number(k.Upstream)))
	}
	return t
}
