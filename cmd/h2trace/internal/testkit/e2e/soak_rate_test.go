package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestSoakRate has targets execute 10,000 programs in a minute, some of them new. All
// are seen from their exec to their exit, and none is held for long.
func TestSoakRate(t *testing.T) {
	needProbes(t)
	const part, perMinute = "rate", 10_000
	runs := amount(t, part, "executions", 1000, perMinute)
	alone, _ := pace(t, startSpawner(t, os.Environ()), runs/5, perMinute)
	tr := startTracing(t, command{args: []string{spawn.path(t)}, flags: []string{"-e", "process"}, env: os.Environ(), limit: time.Hour})
	traced := newSpawner(t, tr.stdin, tr.stdout)
	traced.run(fetch.path(t)) // this one is new
	observed, took := pace(t, traced, runs, perMinute)
	traced.end()
	r := tr.good()

	rate := float64(runs) / took.Minutes()
	told(t, part, "executions a minute", rate, "")
	if rate < perMinute*0.95 && soaking {
		t.Errorf("%.0f executions a minute are too few to say anything", rate)
	}
	balance, err := r.stream.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	within(t, part, "records lost", float64(balance.Lost), 0, "")
	for _, action := range []string{"exec", "exit"} {
		missed := runs + 2 - len(processEvents(r.stream, action)) // with COMMAND and the first
		within(t, part, "processes whose "+action+" was not seen", float64(missed), 0, "")
	}
	late := 0
	if !soaking {
		late = runs / 100 // the new executables
	}
	within(t, part, "executions that went on without their probes", float64(lateIn(r.stderr)), float64(late), "")
	for _, kind := range []string{"known", "fresh", "other"} {
		told(t, part, kind+" executables, exec alone, median", quantile(alone[kind], 0.5), "ms")
		told(t, part, kind+" executables, exec alone, p99", quantile(alone[kind], 0.99), "ms")
		told(t, part, kind+" executables, exec observed, median", quantile(observed[kind], 0.5), "ms")
		told(t, part, kind+" executables, exec observed, p99", quantile(observed[kind], 0.99), "ms")
		within(t, part, kind+" executables, longest exec observed", quantile(observed[kind], 1), millis(longestExec()), "ms")
	}
}

// pace starts programs at a rate: Go programs, of which one in a hundred was copied
// just before, and others. It returns how long each exec took, by the kind of the
// executable, and the total time.
func pace(t *testing.T, s *spawner, runs, perMinute int) (started map[string][]time.Duration, took time.Duration) {
	t.Helper()
	type start struct {
		kind, file string
		done       <-chan spawned
	}
	starts := make(chan start, runs)
	ended := make(chan struct{})
	started = make(map[string][]time.Duration)
	go func() {
		defer close(ended)
		n := 0
		for st := range starts {
			started[st.kind] = append(started[st.kind], s.await(st.done).started)
			if st.kind == "fresh" {
				if err := os.Remove(st.file); err != nil {
					t.Error(err)
				}
			}
			n++
			progress(t, "rate", n, runs)
		}
	}()
	dir := t.TempDir()
	began := time.Now()
	for i := range runs {
		kind, file := "known", fetch.path(t)
		switch {
		case i%100 == 99:
			kind, file = "fresh", filepath.Join(dir, strconv.Itoa(i))
			fetch.copyTo(t, file)
		case i%3 == 0:
			kind, file = "other", "/bin/true"
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Minute / time.Duration(perMinute))))
		starts <- start{kind, file, s.start(file)}
	}
	took = time.Since(began)
	close(starts)
	<-ended
	return started, took
}
