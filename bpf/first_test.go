//go:build linux

package bpf

import (
	"path/filepath"
	"testing"
)

// TestFirst attaches the probes of a file while programs are loaded, and again where it
// turns out that packets are not watched.
func TestFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	c := newUnattached(t, Options{BufferSize: 1 << 20, Wire: true, First: path})
	if err := c.PacketsWatched(); err != nil {
		t.Fatal(err)
	}
	first := c.first
	if first == nil || first.Calls || len(first.links) == 0 {
		t.Fatalf("attached meanwhile: %+v", first)
	}
	again, err := c.Executables.Attach(path)
	if err != nil || again != first {
		t.Fatalf("attached again: %p, %v, want %p", again, err, first)
	}
	if err := c.ReleaseFirst(); err != nil || c.ReleaseFirst() != nil {
		t.Errorf("released: %v", err)
	}
	if len(first.links) == 0 {
		t.Error("its probes go while it is used")
	}

	c.first = first
	if err := c.withoutPackets(); err != nil {
		t.Fatal(err)
	}
	if len(first.links) > 0 || c.ReleaseFirst() != nil {
		t.Errorf("%d probes stay, chosen for packets", len(first.links))
	}
	exe, err := c.Executables.Attach(path)
	if err != nil || exe == first || !exe.Calls || len(exe.links) == 0 {
		t.Errorf("without packets: %+v, %v", exe, err)
	}
	if c.Sockets.owners != nil || c.Sockets.listeners != nil || c.Connections.flowWants != nil || c.QUICFlows.byKey != nil {
		t.Error("maps for packets stay")
	}
}
