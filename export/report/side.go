package report

import (
	"io"
	"time"
)

// maxRuns bounds the runs of a side whose values are kept for the noise.
const maxRuns = 1 << 14

// Side is one side of a comparison.
type Side struct {
	b       *Builder
	walls   []float64 // of each run, in nanoseconds
	phases  [partCount][]float64
	waits   []float64 // medians of the runs that have requests
	totals  []float64
	leftOut int // runs
}

// NewSide returns a side of a comparison that has read nothing.
func NewSide() *Side {
	s := &Side{b: NewBuilder()}
	s.b.eachRun(s.run)
	return s
}

// Read reads a file, as Builder.Read.
func (s *Side) Read(r io.Reader) error { return s.b.Read(r) }

// Builder returns what sums up the runs of the side.
func (s *Side) Builder() *Builder { return s.b }

func (s *Side) run(one *single) {
	if len(s.walls) == maxRuns {
		s.leftOut++
		return
	}
	s.walls = append(s.walls, float64(one.wall()-one.parts[partIdle]))
	for i, d := range one.parts {
		s.phases[i] = append(s.phases[i], float64(d))
	}
	if v, ok := one.measures.of[metricWait].quantile(0.5); ok {
		s.waits = append(s.waits, v)
	}
	if v, ok := one.measures.of[metricTotal].quantile(0.5); ok {
		s.totals = append(s.totals, v)
	}
}

// tally returns the tally of all requests.
func (s *Side) tally() (all tally) {
	for name, p := range s.b.sums.tables.proxies.values {
		if name != "" {
			all.merge(&p.tally)
		}
	}
	return all
}

// failed returns the share of the failed requests, and false without a request.
func (s *Side) failed() (float64, bool) {
	m := &s.b.sums.measures
	return float64(max(m.failed, 0)) / max(float64(m.requests), 1), m.requests > 0
}

// milliseconds converts nanoseconds.
func milliseconds(ns float64) Millis { return Millis(ns / float64(time.Millisecond)) }
