package bpf

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReplace has a probe of one direction that does nothing: the witness sees the
// calls, and the fallback captures them, on the connection as joined in the middle.
func TestReplace(t *testing.T) {
	for dir, tap := range tapOf {
		t.Run(string(tap), func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Deaf: tap})
			exe, err := c.Executables.Attach("/proc/self/exe")
			if err != nil {
				t.Fatal(err)
			}
			if !c.Witnesses.Replaceable(exe, dir) {
				t.Fatalf("plan of %s: %v", tap, exe.Plan.Describe())
			}
			before := c.Executables.PlanOf(exe)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			talk := newTalk(t)
			step := func(want [2]bool, opened int) {
				t.Helper()
				talk.exchange(0)
				got, opens := drainDirections(t, c)
				if diff := cmp.Diff([]any{want, opened}, []any{got, opens}); diff != "" {
					t.Fatalf("directions and connections opened (-want +got):\n%s", diff)
				}
			}
			deaf := [2]bool{true, true}
			deaf[dir] = false
			step(deaf, 2) // client and server
			checkWitnessed(t, c, dir, 0)
			if err := c.Witnesses.Watch(exe, "/proc/self/exe", dir); err != nil {
				t.Fatal(err)
			}
			step(deaf, 0)
			checkWitnessed(t, c, dir, 1)
			if err := c.Witnesses.Replace(exe, "/proc/self/exe", dir, []int{os.Getpid()}); err != nil {
				t.Fatal(err)
			}
			if c.Witnesses.Replaceable(exe, dir) || len(before.Sites) == len(c.Executables.PlanOf(exe).Sites) {
				t.Errorf("plan: %v", c.Executables.PlanOf(exe).Describe())
			}
			// Only the end with the replaced probe reopens.
			step([2]bool{true, true}, 1)
			step([2]bool{true, true}, 0)
			checkWitnessed(t, c, dir, 1)
		})
	}
}

func TestWatchGoneExecutable(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	exe, err := c.Executables.Attach("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"no file": "/nonexistent", "another file": "/bin/sh"} {
		for dir := range tapOf {
			if err := c.Witnesses.Watch(exe, path, dir); err == nil {
				t.Errorf("%s: watched", name)
			}
			if err := c.Witnesses.Replace(exe, path, dir, nil); err == nil {
				t.Errorf("%s: replaced", name)
			}
		}
	}
	if got := c.Executables.PlanOf(exe).Describe(); len(got) < 4 {
		t.Errorf("plan: %v", got)
	}
}

// drainDirections returns the directions with data, and how many connections were
// opened.
func drainDirections(t *testing.T, c *Collector) (got [2]bool, opens int) {
	t.Helper()
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Data:
			got[e.Dir] = true
		case *Open:
			opens++
		}
	})
	return got, opens
}

func checkWitnessed(t *testing.T, c *Collector, dir int, least uint64) {
	t.Helper()
	calls, err := c.Witnesses.Witnessed(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if calls[dir] < least || least == 0 && calls[dir] > 0 || calls[1-dir] > 0 {
		t.Errorf("witnessed %v calls, want %d of direction %d", calls, least, dir)
	}
}
