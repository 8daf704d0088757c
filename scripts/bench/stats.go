package main

import (
	"math"
	"slices"
)

// median returns the median, or NaN if there are no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// bases are the rounds of the variants with which others are compared. Some parts run not
// all of them.
type bases struct{ alone, empty, frames []*loadResult }

// compare collects the rounds of one variant. It compares each round with those of the
// bases that have the same number.
func compare(name string, runs []*loadResult, base bases) variantReport {
	v := variantReport{Name: name}
	var rates []float64
	for _, r := range runs {
		rates = append(rates, r.rate())
	}
	v.RequestsPerSecond = median(rates)
	v.OfUnobserved = relative(runs, base.alone)
	v.OfEmpty = relative(runs, base.empty)
	v.OfFrames = relative(runs, base.frames)
	return v
}

// relative returns the throughput of each round relative to the same round of a base, or
// nil if the base did not run.
func relative(runs, base []*loadResult) *ratios {
	if len(base) == 0 {
		return nil
	}
	r := &ratios{}
	for i, run := range runs {
		r.Rounds = append(r.Rounds, run.rate()/base[i].rate())
	}
	r.Median = median(r.Rounds)
	return r
}

// cost returns what h2trace used in runs, less its start-up. startup is the CPU time of the
// start-up, in milliseconds, from other runs. It returns nil if either has no values.
func cost(runs []*loadResult, startup []float64) *costReport {
	c := &costReport{}
	var cpu float64
	for _, r := range runs {
		s := r.summary
		if s == nil {
			continue
		}
		c.Runs++
		cpu += s.Agent.CPUMillis
		c.Frames += s.Frames
		c.RecordsSeen += s.Records.Seen
		c.RecordsLost += s.Records.Lost
		c.BytesSeen += s.Bytes.Seen
		c.BytesCaptured += s.Bytes.Captured
		c.MaxRSSBytes = max(c.MaxRSSBytes, s.Agent.MaxRSSBytes)
	}
	if len(startup) == 0 || c.Frames == 0 || c.BytesSeen == 0 {
		return nil
	}
	c.StartupCPUMillis = median(startup)
	used := cpu - float64(c.Runs)*c.StartupCPUMillis
	c.CPUMicrosPerFrame = used * 1e3 / float64(c.Frames)
	c.CPUSecondsPerGB = used / 1e3 / (float64(c.BytesSeen) / 1e9)
	// The spread of the start-ups is the error of their median.
	apart := (slices.Max(startup) - slices.Min(startup)) / 2
	c.CPUMicrosError = float64(c.Runs) * apart * 1e3 / float64(c.Frames)
	return c
}
