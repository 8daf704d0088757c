//go:build linux

package bpf

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// TestPrograms loads each program, including those that nothing here attaches.
func TestPrograms(t *testing.T) {
	for _, kind := range []struct {
		name   string
		compat bool
	}{{"one", false}, {"copies", true}} {
		t.Run(kind.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, compat: kind.compat})
			if len(c.programs.spec.Programs) == 0 {
				t.Fatal("no programs")
			}
			for name := range c.programs.spec.Programs {
				key := programKey{name: name}
				if c.programs.copies {
					key.site.Layout = 1
				}
				if _, err := c.programs.take(key); err != nil {
					t.Errorf("%s: %+v", name, err)
					continue
				}
				if err := c.programs.drop(key); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestProgramsLoadedWhenNeeded requires that a capture which sees everything from the
// start loads none of the other programs. When several goroutines ask for one of
// those, it is loaded once.
func TestProgramsLoadedWhenNeeded(t *testing.T) {
	c := newUnattached(t, Options{BufferSize: 1 << 20})
	if c.programs.copies {
		return // TestCopiesLoadedWhenNeeded is for copies
	}
	if got := countLoaded(c, hookPrograms); got != len(hookPrograms) || got != len(c.programs.loaded) {
		t.Errorf("%d programs are loaded, %d of them on tracepoints; want %d", len(c.programs.loaded), got, len(hookPrograms))
	}
	attachSelf(t, c)
	if got := countLoaded(c, laterPrograms()); got != 0 {
		t.Errorf("%d programs are loaded that nothing needs", got)
	}
	before := len(c.programs.loaded)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := c.Recovery.Prepare(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := countLoaded(c, recoveryPrograms); got != len(recoveryPrograms) || len(c.programs.loaded) != before+got {
		t.Errorf("%d programs for recovery are loaded, %d in all; want %d and %d",
			got, len(c.programs.loaded), len(recoveryPrograms), before+len(recoveryPrograms))
	}
	prepared := c.programs.loaded[programKey{name: probesProgHpackEncode}].Program
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if got := c.programs.loaded[programKey{name: probesProgHpackEncode}].Program; got != prepared {
		t.Error("Begin loaded what was loaded already")
	}
}

// TestPrepare loads what most executables need. Attaching then loads nothing more.
func TestPrepare(t *testing.T) {
	c := newUnattached(t, Options{BufferSize: 1 << 20})
	if c.programs.copies {
		return // nobody knows which
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	before := len(c.programs.loaded)
	if err := c.Prepare(done); err != nil {
		t.Fatal(err)
	}
	if got := len(c.programs.loaded); got != before {
		t.Errorf("%d programs were loaded when nobody wanted them any more", got-before)
	}
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := slices.Concat(firstPrograms, recoveryPrograms)
	if got := countLoaded(c, first); got != len(first) {
		t.Errorf("%d programs are loaded of the %d needed", got, len(first))
	}
	before = len(c.programs.loaded)
	attachSelf(t, c)
	if got := len(c.programs.loaded); got > before+1 { // built with -race, the test needs read_slicecopy
		t.Errorf("attaching loaded %d programs", got-before)
	}
}

// TestCopiesLoadedWhenNeeded requires that a copy is loaded when its site is known,
// and freed with it.
func TestCopiesLoadedWhenNeeded(t *testing.T) {
	c := newUnattached(t, Options{BufferSize: 1 << 20, compat: true})
	if got := countLoaded(c, firstPrograms); got != 0 {
		t.Errorf("%d copies are loaded for no site", got)
	}
	before := len(c.programs.loaded)
	attachSelf(t, c)
	if got := countLoaded(c, []string{probesProgWriteArgs, probesProgReadMemmove, probesProgReadSlicecopy}); got != 2 {
		t.Errorf("%d copies are loaded for writing and reading, want 2", got)
	}
	if got := countLoaded(c, laterPrograms()); got != 0 {
		t.Errorf("%d copies are loaded that nothing needs", got)
	}
	recovered := len(c.programs.loaded)
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if got := countLoaded(c, recoveryPrograms); got == 0 || len(c.programs.loaded) != recovered+got {
		t.Errorf("%d copies for recovery are loaded, %d in all; want some, and %d more", got, len(c.programs.loaded), got)
	}
	c.Executables.mu.Lock()
	for _, exe := range c.Executables.cache.byKey {
		if err := c.Executables.detach(exe); err != nil {
			t.Error(err)
		}
	}
	c.Executables.mu.Unlock()
	if got := len(c.programs.loaded); got != before {
		t.Errorf("%d programs are loaded when nothing is attached to, %d were", got, before)
	}
}

// laterPrograms are those that a capture which sees everything from the start does
// not use.
func laterPrograms() []string {
	entryRet := []string{probesProgWriteEntry, probesProgWriteRet, probesProgReadEntry, probesProgReadRet}
	return slices.Concat(recoveryPrograms, verifyPrograms, entryRet)
}

// countLoaded returns how many programs with one of the names are loaded.
func countLoaded(c *Collector, names []string) (n int) {
	for key := range c.programs.loaded {
		if slices.Contains(names, key.name) {
			n++
		}
	}
	return n
}
