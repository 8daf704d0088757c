package main

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// TestCompare checks that rounds are compared with rounds of the same number. A machine
// that slows down half-way must not appear as cost.
func TestCompare(t *testing.T) {
	runs := func(rates ...int64) (out []*loadResult) {
		for _, r := range rates {
			out = append(out, &loadResult{Requests: 2 * r, Seconds: 2})
		}
		return out
	}
	v := compare("calls", runs(90, 9, 4), bases{alone: runs(100, 10, 5), empty: runs(90, 18, 8), frames: runs(360, 36, 16)})
	if v.RequestsPerSecond != 9 || v.OfUnobserved.Median != 0.9 || v.OfEmpty.Median != 0.5 || v.OfFrames.Median != 0.25 {
		t.Errorf("got %v requests/s, %v of unobserved, %v of empty, %v of frames, want 9, 0.9, 0.5, 0.25",
			v.RequestsPerSecond, v.OfUnobserved.Median, v.OfEmpty.Median, v.OfFrames.Median)
	}
	if v := compare("wire", runs(1), bases{alone: runs(1)}); v.OfEmpty != nil || v.OfFrames.String() != "–\t" {
		t.Errorf("without empty and frames: got %v of empty, %v of frames, want none", v.OfEmpty, v.OfFrames)
	}
}

func TestCost(t *testing.T) {
	run := func(cpu float64, frames, bytes, lost, rss int64) *loadResult {
		s := &summary{Frames: frames}
		s.Agent.CPUMillis, s.Agent.MaxRSSBytes = cpu, rss
		s.Bytes.Seen, s.Records.Lost = bytes, lost
		return &loadResult{summary: s}
	}
	runs := []*loadResult{run(60, 1000, 1e9, 1, 5), run(70, 1000, 1e9, 0, 9), {}, run(80, 1000, 1e9, 2, 7)}
	got := cost(runs, []float64{45, 50, 57})
	want := &costReport{
		Runs: 3, StartupCPUMillis: 50, CPUMicrosPerFrame: 20, CPUMicrosError: 6, CPUSecondsPerGB: 0.02,
		Frames: 3000, RecordsLost: 3, BytesSeen: 3e9, MaxRSSBytes: 9,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := cost([]*loadResult{{}}, []float64{50}); got != nil {
		t.Errorf("without a summary: got %+v, want nil", got)
	}
	if got := cost(runs, nil); got != nil {
		t.Errorf("without a start-up: got %+v, want nil", got)
	}
}
