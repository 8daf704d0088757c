package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/perf/benchmath"
)

// minRuns is the least number of runs a side with which a difference can be told from noise.
const minRuns = 4

// Comparison is what changed between two sets of runs. Times of runs are medians.
type Comparison struct {
	// Text is the change of the wall time in a sentence.
	Text   string  `json:"text"`
	Before *Report `json:"before"`
	After  *Report `json:"after"`
	// Times has the wall time, the phases of the critical path, and the median wait and
	// total of the requests, of a run.
	Times []Change `json:"times"`
	// Requests has the requests of all runs of a side.
	Requests []Change `json:"requests"`
	Proxies  []Pair   `json:"proxies"`
	Kinds    []Pair   `json:"kinds"`
	// Failures has the failed requests by class.
	Failures []Change `json:"failures"`
}

// Change is a value before and after. A side is nil if nothing was measured there.
type Change struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Before *Millis `json:"before"`
	After  *Millis `json:"after"`
	// P is the probability of such a difference, or a larger one, between runs that do not
	// differ (Mann-Whitney U test). It is nil with too few runs.
	P *float64 `json:"p"`
	// Clear says that it is no noise. It is nil with too few runs.
	Clear *bool `json:"clear"`
}

// Pair is the tally of one proxy or kind before and after; nil if it is only on the other
// side.
type Pair struct {
	Name   string `json:"name"`
	Before *Tally `json:"before"`
	After  *Tally `json:"after"`
}

// Compare compares two sides.
func Compare(before, after *Side) *Comparison {
	c := &Comparison{Before: before.b.Report(), After: after.b.Report(), Failures: []Change{}}
	runs := func(name string, of func(*Side) []float64) Change { return ofRuns(name, of(before), of(after)) }
	c.Times = []Change{runs("wall time", func(s *Side) []float64 { return s.walls })}
	for i, name := range partNames {
		part := runs(name, func(s *Side) []float64 { return s.phases[i] })
		if i != partIdle && (part.Before.shown() || part.After.shown()) {
			c.Times = append(c.Times, part)
		}
	}
	c.Times = append(c.Times,
		runs("median wait", func(s *Side) []float64 { return s.waits }),
		runs("median total", func(s *Side) []float64 { return s.totals }))
	c.Requests = requestChanges(before, after)
	c.Proxies = pairs(named(c.Before.Proxies, func(p *Proxy) (string, *Tally) { return p.Proxy, &p.Tally }),
		named(c.After.Proxies, func(p *Proxy) (string, *Tally) { return p.Proxy, &p.Tally }))
	c.Kinds = pairs(named(c.Before.Kinds, func(k *Kind) (string, *Tally) { return k.Kind, &k.Tally }),
		named(c.After.Kinds, func(k *Kind) (string, *Tally) { return k.Kind, &k.Tally }))
	was, is := before.tally().failures, after.tally().failures
	classes := maps.Clone(was)
	if classes == nil {
		classes = make(map[string]int64)
	}
	maps.Copy(classes, is)
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		c.Failures = append(c.Failures, Change{Name: class, Unit: "requests", Before: new(Millis(was[class])), After: new(Millis(is[class]))})
	}
	c.Text = c.sentence(len(before.walls), len(after.walls))
	return c
}

// partNames are the names of the parts of the wall time, as in tables. Stalls of both sides
// come apart here.
var partNames = [partCount]string{
	partVCS: "git and alike", partDNS: "dns", partConnect: "connect", partTLS: "tls", partSend: "send", partSendStall: "stalled, sending",
	partWait: "wait", partReceive: "receive", partRecvStall: "stalled, receiving", partOther: "process itself", partIdle: "idle",
}

// ofRuns compares a time of each run.
func ofRuns(name string, before, after []float64) Change {
	c := Change{Name: name, Unit: "ms"}
	was, is := sampleOf(before), sampleOf(after)
	if len(before) > 0 {
		c.Before = new(milliseconds(benchmath.AssumeNothing.Summary(was, 0.95).Center))
	}
	if len(after) > 0 {
		c.After = new(milliseconds(benchmath.AssumeNothing.Summary(is, 0.95).Center))
	}
	if len(before) >= minRuns && len(after) >= minRuns {
		test := benchmath.AssumeNothing.Compare(was, is)
		c.P, c.Clear = &test.P, new(test.P <= test.Alpha)
	}
	return c
}

func sampleOf(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

// requestChanges compares all requests of the sides.
func requestChanges(before, after *Side) []Change {
	row := func(name, unit string, of func(s *Side, t *tally) (float64, bool)) Change {
		c := Change{Name: name, Unit: unit}
		for _, side := range []struct {
			s  *Side
			to **Millis
		}{{before, &c.Before}, {after, &c.After}} {
			t := side.s.tally()
			if v, ok := of(side.s, &t); ok {
				*side.to = new(Millis(v))
			}
		}
		return c
	}
	quantile := func(m metric, q float64) func(*Side, *tally) (float64, bool) {
		return func(s *Side, _ *tally) (float64, bool) {
			v, ok := s.b.sums.measures.of[m].quantile(q)
			return v / 1e6, ok
		}
	}
	perRun := func(n int64, s *Side) (float64, bool) {
		runs := s.b.sums.ends.runs
		return float64(n) / max(float64(runs), 1), runs > 0
	}
	return []Change{
		row("requests a run", "", func(s *Side, t *tally) (float64, bool) { return perRun(t.requests, s) }),
		row("failed", "%", func(s *Side, _ *tally) (float64, bool) {
			share, ok := s.failed()
			return share * 100, ok
		}),
		row("MB a run", "MB", func(s *Side, t *tally) (float64, bool) {
			mb, ok := perRun(t.bytes, s)
			return mb / 1e6, ok
		}),
		row("MB/s", "MB/s", func(_ *Side, t *tally) (float64, bool) { return t.rate() }),
		row("wait p50", "ms", quantile(metricWait, 0.5)),
		row("wait p95", "ms", quantile(metricWait, 0.95)),
		row("total p50", "ms", quantile(metricTotal, 0.5)),
		row("total p95", "ms", quantile(metricTotal, 0.95)),
		row("dns p50", "ms", quantile(metricDNS, 0.5)),
		row("connect p50", "ms", quantile(metricConnect, 0.5)),
		row("tls p50", "ms", quantile(metricTLS, 0.5)),
	}
}

func named[T any](list []T, of func(*T) (string, *Tally)) map[string]*Tally {
	tallies := make(map[string]*Tally)
	for i := range list {
		name, t := of(&list[i])
		tallies[name] = t
	}
	return tallies
}

// pairs joins tallies by name, those with most requests first.
func pairs(before, after map[string]*Tally) []Pair {
	list := []Pair{}
	for name, t := range before {
		list = append(list, Pair{name, t, after[name]})
	}
	for name, t := range after {
		if before[name] == nil {
			list = append(list, Pair{name, nil, t})
		}
	}
	requests := func(p Pair) (n int64) {
		for _, t := range []*Tally{p.Before, p.After} {
			if t != nil {
				n += t.Requests
			}
		}
		return n
	}
	slices.SortFunc(list, func(a, b Pair) int { return cmp.Or(cmp.Compare(requests(b), requests(a)), cmp.Compare(a.Name, b.Name)) })
	return list
}

// sentence says how the wall time changed, and what that is worth.
func (c *Comparison) sentence(before, after int) string {
	wall := &c.Times[0]
	if wall.Before == nil || wall.After == nil {
		return "there is no run on one side"
	}
	from, to := human(wall.Before.duration()), human(wall.After.duration())
	change := fmt.Sprintf("the wall time went from %s to %s (%s)", from, to, wall.percent())
	switch {
	case wall.P == nil:
		return fmt.Sprintf("%s, in %s before and %d after: too few to tell a difference from noise, for which it takes %d a side",
			change, several(int64(before), "run", "runs"), after, minRuns)
	case !*wall.Clear:
		return fmt.Sprintf("the wall time did not change beyond the noise: %s before, %s after (p = %.3f, %d and %d runs)", from, to, *wall.P, before, after)
	}
	return fmt.Sprintf("%s, beyond the noise (p = %.3f, %d and %d runs)", change, *wall.P, before, after)
}

// shown reports whether a time is not 0 in tables.
func (m *Millis) shown() bool { return m != nil && *m >= 0.05 }
