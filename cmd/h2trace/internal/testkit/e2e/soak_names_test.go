package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestSoakNames observes by name while short processes come and go, some of them of
// executables that were copied just before: the resources of h2trace do not grow.
func TestSoakNames(t *testing.T) {
	needProbes(t)
	const part = "names"
	runs := amount(t, part, "short processes", 600, 20_000)
	// The warm-up fills bounded caches, such as executables that keep their probes.
	const warmUp, everyFresh, inWarmUp = 400, 40, 3
	s := startSite(t)
	dir := t.TempDir()
	known := filepath.Join(dir, soakName)
	fetch.copyTo(t, known)
	// There is little garbage between held and resident memory.
	env := append(os.Environ(), "GOGC=10")
	tr := startTracing(t, command{flags: []string{"-n", soakName, "-e", "process"}, env: env, limit: 2 * time.Hour})
	tr.awaitObserving()
	sp := startSpawner(t, s.env)
	exits := &tail{file: tr.events, text: `"action":"exit"`}
	made := 0
	var longest time.Duration
	one := func(fresh bool) {
		made++
		file := known
		if fresh {
			sub := filepath.Join(dir, fmt.Sprint(made))
			file = filepath.Join(sub, soakName)
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			fetch.copyTo(t, file)
		}
		longest = max(longest, sp.run(file, s.url+"/short").started)
		if fresh {
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle := func() resources {
		t.Helper()
		awaitSlowly(t, "the exits", func() bool { return exits.count(t) >= made })
		return settled(t, tr.cmd.Process.Pid)
	}
	for i := range warmUp {
		one(i%inWarmUp == 0)
	}
	before := settle()
	for i := range runs {
		one(i%everyFresh == 0)
		progress(t, part, i+1, runs)
	}
	after := settle()
	tr.signal(os.Interrupt)
	r := tr.good()

	told(t, part, "short processes after the warm-up", float64(runs), "")
	for _, what := range slices.Sorted(maps.Keys(after)) {
		limit := 0.0
		switch what {
		case residentMemory:
			limit = 5
		case "threads", "goroutines":
			limit = 50 // the maximum needed at a time: 32 of them to detach probes
		}
		stays(t, part, what, before[what], after[what], limit)
	}
	within(t, part, "longest execution", millis(longest), millis(longestExec()), "ms")
	balance, err := r.stream.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	within(t, part, "records lost", float64(balance.Lost), 0, "")
	within(t, part, "processes not seen", float64(made)-float64(processesOf(t, r.stream.Summary)), 0, "")
}

// settled waits until an h2trace holds the same for a while.
func settled(t testing.TB, h2trace int) resources {
	t.Helper()
	least := resourcesOf(t, h2trace)
	for quiet := 0; quiet < 10; quiet++ {
		time.Sleep(100 * time.Millisecond)
		for what, n := range resourcesOf(t, h2trace) {
			if n < least[what] {
				least[what], quiet = n, 0
			}
		}
	}
	return least
}

// tail counts a text in a file that grows.
type tail struct {
	file, text string
	offset     int64
	rest       []byte
	found      int
}

// count returns how many lines have it so far.
func (c *tail) count(t testing.TB) int {
	t.Helper()
	f, err := os.Open(c.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, c.offset, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	c.offset += int64(len(b))
	b = append(c.rest, b...)
	whole := bytes.LastIndexByte(b, '\n') + 1
	c.found += bytes.Count(b[:whole], []byte(c.text))
	c.rest = bytes.Clone(b[whole:])
	return c.found
}

// awaitSlowly is await for conditions that are costly to check.
func awaitSlowly(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
