package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable checks that each value stands in the column of its plan, and that nothing is
// written as 0 that is not known.
func TestTable(t *testing.T) {
	kept := func(rounds ...float64) *ratios { return &ratios{Median: median(rounds), Rounds: rounds} }
	r := report{
		Throughput: []throughputReport{{Title: "100 B", Variants: []variantReport{
			{Name: "unobserved", OfUnobserved: kept(1)},
			{Name: planEmpty, OfUnobserved: kept(0.75)},
			{Name: planWire, OfUnobserved: kept(0.9, 0.95, 0.98), Cost: &costReport{CPUMicrosPerFrame: 3, CPUSecondsPerGB: 0.45, MaxRSSBytes: 64e6}},
		}}, {Title: "1 MB", Bulk: true, Variants: []variantReport{
			{Name: planCalls, OfUnobserved: kept(0.5), Cost: &costReport{CPUSecondsPerGB: 0.4, MaxRSSBytes: 60e6, RecordsLost: 2}},
		}}},
		FixedRates: []rateReport{{Plan: planCalls, Wanted: 1500}, {Plan: planWire, Wanted: 1500, Cost: &costReport{CPUMicrosPerFrame: 2}}, {Plan: planWire, Wanted: 20000}},
		Single: []singleReport{
			{Title: "1 MB", Conns: 1, Seconds: 10, Plan: planCalls},
			{Title: "1 MB", Conns: 1, Seconds: 10, Plan: planWire, Summary: true, MaxRSSBytes: 70e6, RecordsLost: 3},
			{Title: "100 kB", Conns: 1000, Seconds: 1, Plan: planWire, Summary: true, MaxRSSBytes: 150e6},
		},
		Nothing: []nothingReport{{Plan: "unobserved", WallMillis: 1}, {Plan: planWire, WallMillis: 100, CPUMillis: 80}},
	}
	want := "\n" + `| | ` + "`empty` | `entry-ret` | `calls` | `wire`" + ` |
|---|---|---|---|---|
| 100 B: throughput kept | 0.750 (0.750 … 0.750) | – | – | 0.950 (0.900 … 0.980) |
| 100 B: CPU per frame | – | – | – | 3.00 µs |
| 100 B: memory; records lost | – | – | – | 64 MB; 0 |
| 1 MB: throughput kept | – | – | 0.500 (0.500 … 0.500) | – |
| 1 MB: CPU per GB | – | – | 400 ms, with losses | – |
| 1 MB: memory; records lost | – | – | 60 MB; 2 | – |
| 100 B, 1500 requests/s: CPU per frame; records lost | – | – | – | 2.00 µs; 0 |
| 100 B, 20000 requests/s: CPU per frame; records lost | – | – | – | – |
| 1 MB, 10 s at full rate: memory; records lost | – | – | – | 70 MB; 3 |
| 100 kB, 1000 connections: memory; records lost | – | – | – | 150 MB; 0 |
| a command that does nothing: time, CPU | – | – | – | 100 ms, 80 ms |
`
	var got strings.Builder
	r.table(&got)
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
