//go:build linux

package bpf

import (
	"path/filepath"
	"testing"
)

// TestLeaving attaches to an executable that is losing its probes. It gets new probes only
// after that, and nothing else waits for it.
func TestLeaving(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	dir := t.TempDir()
	path, other := filepath.Join(dir, "program"), filepath.Join(dir, "other")
	copySelf(t, path)
	copySelf(t, other)
	old, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	sites := len(old.sites) + len(old.programs)
	// Everybody who closes links must wait for this.
	for range cap(closing) {
		closing <- struct{}{}
	}
	c.Executables.mu.Lock()
	c.Executables.leave(old)
	c.Executables.mu.Unlock()
	attached := make(chan *Executable)
	go func() {
		exe, err := c.Executables.Attach(path)
		if err != nil {
			t.Error(err)
		}
		attached <- exe
	}()
	if _, err := c.Executables.Attach(other); err != nil {
		t.Error(err)
	}
	select {
	case <-attached:
		t.Error("it got new probes beside the old ones")
	default:
	}
	for range cap(closing) {
		<-closing
	}
	exe := <-attached
	if exe == old || len(exe.links) == 0 {
		t.Errorf("attached anew: got %d links", len(exe.links))
	}
	if got := len(exe.sites) + len(exe.programs); got != sites {
		t.Errorf("%d places of probes, want %d", got, sites)
	}
	c.Executables.mu.Lock()
	defer c.Executables.mu.Unlock()
	if len(c.Executables.leaving) != 0 || old.lease != nil || len(old.sites)+len(old.programs) != 0 || c.Executables.leaveErr != nil {
		t.Errorf("%d are leaving; of the old one is left %+v; %v", len(c.Executables.leaving), old, c.Executables.leaveErr)
	}
}
