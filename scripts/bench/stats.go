package main

import (
	"math"
	"slices"
)

// median returns the median, and NaN of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// compare gathers the rounds of one variant. Each is held against the rounds
// of the client alone and of empty probes with the same number.
func compare(name string, runs, alone, empty []*loadResult) variantReport {
	v := variantReport{Name: name}
	var rates []float64
	for i, r := range runs {
		rates = append(rates, r.rate())
		v.OfUnobserved.Rounds = append(v.OfUnobserved.Rounds, r.rate()/alone[i].rate())
		v.OfEmpty.Rounds = append(v.OfEmpty.Rounds, r.rate()/empty[i].rate())
	}
	v.RequestsPerSecond = median(rates)
	v.OfUnobserved.Median = median(v.OfUnobserved.Rounds)
	v.OfEmpty.Median = median(v.OfEmpty.Rounds)
	return v
}

// cost returns what h2trace used in some runs beyond startupMillis of CPU
// time each, or nil when none of them has a summary.
func cost(runs []*loadResult, startupMillis float64) *costReport {
	c := &costReport{StartupCPUMillis: startupMillis}
	var perFrame, perGB []float64
	for _, r := range runs {
		s := r.summary
		if s == nil {
			continue
		}
		used := s.Agent.CPUMillis - startupMillis
		if s.Frames > 0 {
			perFrame = append(perFrame, used*1000/float64(s.Frames))
		}
		if s.Bytes.Seen > 0 {
			perGB = append(perGB, used/1000/(float64(s.Bytes.Seen)/1e9))
		}
		c.Runs++
		c.Frames += s.Frames
		c.RecordsSeen += s.Records.Seen
		c.RecordsLost += s.Records.Lost
		c.BytesSeen += s.Bytes.Seen
		c.BytesCaptured += s.Bytes.Captured
		c.MaxRSSBytes = max(c.MaxRSSBytes, s.Agent.MaxRSSBytes)
	}
	if len(perFrame) == 0 || len(perGB) == 0 || math.IsNaN(startupMillis) {
		return nil
	}
	c.CPUMicrosPerFrame, c.CPUSecondsPerGB = median(perFrame), median(perGB)
	return c
}
