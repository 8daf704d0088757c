package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestSoakStops stops h2trace at random moments, as Ctrl-Z does, while it holds fresh
// executables: they continue. Afterwards it holds again.
func TestSoakStops(t *testing.T) {
	needProbes(t)
	const part = "stops"
	stops := amount(t, part, "stops of h2trace", 5, 50)
	s := startSite(t)
	tr := startTracing(t, command{args: []string{spawn.path(t)}, env: s.env, limit: time.Hour})
	traced := newSpawner(t, tr.stdin, tr.stdout)
	dir := t.TempDir()
	made := 0
	fresh := func() string {
		made++
		file := filepath.Join(dir, fmt.Sprint("fresh", made))
		fetch.copyTo(t, file)
		return file
	}
	traced.run(fresh())
	want := make(map[string]bool)
	var during []time.Duration
	for i := range stops {
		files := []string{fresh(), fresh(), fresh(), fresh()}
		stopped := make(chan struct{})
		time.AfterFunc(rand.N(40*time.Millisecond), func() {
			tr.signal(syscall.SIGSTOP)
			close(stopped)
		})
		for _, file := range files {
			during = append(during, traced.run(file).started)
		}
		<-stopped
		during = append(during, traced.run(fresh()).started)
		tr.signal(syscall.SIGCONT)
		traced.run(fresh())
		await(t, "h2trace to catch up", func() bool {
			return lines(tr.events, `"action":"attached"`)+lines(tr.events, `"action":"skipped"`) > made // with COMMAND
		})
		path := fmt.Sprintf("/after/%d", i)
		traced.run(fresh(), s.url+path)
		want[path] = true
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		progress(t, part, i+1, stops)
	}
	traced.end()
	r := tr.good()
	within(t, part, fmt.Sprintf("longest of %d executions around %d stops", len(during), stops), quantile(during, 1), millis(longestExec()), "ms")
	told(t, part, "executions that went on without their probes, as h2trace said", float64(lateIn(r.stderr)), "")
	missing := notWhole(t, r, want)
	within(t, part, "requests not seen after h2trace ran again", float64(len(missing)), 0, "")
}
