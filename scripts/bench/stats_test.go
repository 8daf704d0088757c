package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		name string
		in   []float64
		want float64
	}{
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 2}, 2},
		{"even", []float64{4, 1, 3, 2}, 2.5},
	}
	for _, tt := range tests {
		if got := median(tt.in); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("nothing: got %v, want NaN", got)
	}
}

// TestCompare checks that rounds are compared with rounds of the same number:
// a machine that slows down half-way must not show as cost.
func TestCompare(t *testing.T) {
	runs := func(rates ...int64) (out []*loadResult) {
		for _, r := range rates {
			out = append(out, &loadResult{Requests: 2 * r, Seconds: 2})
		}
		return out
	}
	v := compare("auto", runs(90, 9, 4), runs(100, 10, 5), runs(90, 18, 8))
	if v.RequestsPerSecond != 9 || v.OfUnobserved.Median != 0.9 || v.OfEmpty.Median != 0.5 {
		t.Errorf("got %v requests/s, %v of unobserved, %v of empty, want 9, 0.9, 0.5",
			v.RequestsPerSecond, v.OfUnobserved.Median, v.OfEmpty.Median)
	}
}

func TestCost(t *testing.T) {
	run := func(cpu float64, frames, bytes, lost, rss int64) *loadResult {
		s := &summary{Frames: frames}
		s.Agent.CPUMillis, s.Agent.MaxRSSBytes = cpu, rss
		s.Bytes.Seen, s.Records.Lost = bytes, lost
		return &loadResult{summary: s}
	}
	c := cost([]*loadResult{run(60, 1000, 1e9, 1, 5), run(70, 1000, 1e9, 0, 9), {}, run(80, 1000, 1e9, 2, 7)}, 50)
	if c.Runs != 3 || c.CPUMicrosPerFrame != 20 || c.CPUSecondsPerGB != 0.02 || c.RecordsLost != 3 || c.MaxRSSBytes != 9 {
		t.Errorf("got %+v", c)
	}
	if c := cost([]*loadResult{{}}, 50); c != nil {
		t.Errorf("without a summary: got %+v, want nil", c)
	}
}
