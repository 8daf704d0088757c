package bpf

import (
	"slices"
	"sync"
	"testing"
)

// TestPrograms loads each program, also those that nothing here is attached to.
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

// TestProgramsLoadedWhenNeeded requires that a capture which sees all from the
// start has none of the programs that are for others, and has one of each when
// they are asked for from several sides.
func TestProgramsLoadedWhenNeeded(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	has := func(names []string) (n int) {
		for key := range c.programs.loaded {
			if slices.Contains(names, key.name) {
				n++
			}
		}
		return n
	}
	others := slices.Concat(recoveryPrograms, verifyPrograms, fallbackPrograms[Send], fallbackPrograms[Recv])
	if got := has(others); got != 0 {
		t.Errorf("%d programs are loaded that nothing needs", got)
	}
	if c.programs.copies {
		if got := has(firstPrograms); got != 0 {
			t.Errorf("%d copies are loaded for no site", got)
		}
		return // nor is a copy made before its site is known
	}
	first := slices.Concat(firstPrograms, hookPrograms)
	if got := has(first); got != len(first) {
		t.Errorf("%d programs are loaded of the %d needed", got, len(first))
	}
	before := len(c.programs.loaded)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := c.PrepareRecovery(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := has(recoveryPrograms); got != len(recoveryPrograms) || len(c.programs.loaded) != before+got {
		t.Errorf("%d programs for recovery are loaded, %d in all; want %d and %d",
			got, len(c.programs.loaded), len(recoveryPrograms), before+len(recoveryPrograms))
	}
	prepared := c.programs.loaded[programKey{name: probesProgHpackEncode}].Program
	if err := c.BeginRecovery([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	if got := c.programs.loaded[programKey{name: probesProgHpackEncode}].Program; got != prepared {
		t.Error("BeginRecovery loaded what was loaded already")
	}
}
