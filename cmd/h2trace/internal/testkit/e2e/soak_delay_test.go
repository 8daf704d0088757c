package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"h2trace/bpf/gate"
)

// TestSoakDelay compares executions of a program that ends at once, in turn: alone,
// unobserved next to h2trace, and observed.
func TestSoakDelay(t *testing.T) {
	needProbes(t)
	const part = "delay"
	rounds := amount(t, part, "executions of each kind", 60, 1000)
	dir := t.TempDir()
	alone := startSpawner(t, os.Environ())
	files := []struct {
		name  string
		limit float64       // of the median, in milliseconds
		busy  time.Duration // the same on a machine with other work
		file  func(i int) string
	}{
		{"known", 1, gate.Bound / 2, func(int) string { return fetch.path(t) }},
		{"unknown", 60, promptly, func(i int) string {
			file := filepath.Join(dir, fmt.Sprint("fresh", i))
			fetch.copyTo(t, file)
			return file
		}},
	}
	for _, f := range files {
		const before, other, observed = 0, 1, 2
		var took [3][]time.Duration
		made := 0
		measure := func(kind int, s *spawner) {
			made++
			file := f.file(made)
			took[kind] = append(took[kind], s.run(file).started)
			if file != fetch.path(t) {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range rounds {
			measure(before, alone)
		}
		tr := startTracing(t, command{args: []string{spawn.path(t)}, env: os.Environ(), limit: time.Hour})
		traced := newSpawner(t, tr.stdin, tr.stdout)
		traced.run(fetch.path(t))
		for i := range rounds {
			measure(other, alone)
			measure(observed, traced)
			progress(t, part+" "+f.name, i+1, rounds)
		}
		traced.end()
		tr.good()
		base := quantile(took[before], 0.5)
		told(t, part, f.name+" executable, exec alone, median", base, "ms")
		told(t, part, f.name+" executable, exec alone, p99", quantile(took[before], 0.99), "ms")
		told(t, part, f.name+" executable, not observed, median added", quantile(took[other], 0.5)-base, "ms")
		told(t, part, f.name+" executable, not observed, p99", quantile(took[other], 0.99), "ms")
		within(t, part, f.name+" executable, observed, median added", quantile(took[observed], 0.5)-base, onBusy(f.limit, f.busy), "ms")
		told(t, part, f.name+" executable, observed, p99", quantile(took[observed], 0.99), "ms")
	}
}
