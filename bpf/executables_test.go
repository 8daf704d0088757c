//go:build linux

package bpf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// openFiles counts the descriptors of this process: each probe link is one, or two
// where it is a link to a perf event (before Linux 6.6).
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// copySelf copies the test binary, as an executable of its own.
func copySelf(t *testing.T, path string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, self, 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestReleaseEvicts runs more executables than the cache keeps, as go test does for days.
// Probes and descriptors must stay bounded.
func TestReleaseEvicts(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	const most = 6
	c.Executables.cache.most = most // an emulator takes a second for each
	path := filepath.Join(t.TempDir(), "program")
	var oldest, used *Executable
	base, opened := openFiles(t), 0
	for i := range most + 10 {
		// The next copy takes a new inode while this one exists.
		name := fmt.Sprintf("%s%d", path, i)
		copySelf(t, name)
		exe, err := c.Executables.Attach(name)
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			oldest = exe
		case 1:
			used = exe
			continue // its process continues to run
		}
		if err := c.Executables.Release(exe); err != nil {
			t.Fatal(err)
		}
		opened = max(opened, openFiles(t))
	}
	c.Executables.awaitLeaving()
	if n := len(c.Executables.cache.idle); n != most {
		t.Errorf("%d idle executables are kept, want %d", n, most)
	}
	if n := len(c.Executables.cache.byKey); n > most+2 { // with this test and the one in use
		t.Errorf("%d executables are kept, want at most %d", n, most+2)
	}
	if len(oldest.links) != 0 {
		t.Error("the longest idle executable still has its probes")
	}
	if len(used.links) == 0 {
		t.Error("an executable that a process runs has lost its probes")
	}
	// The links of each, and its lease.
	if limit := base + (most+2+maxLeaving)*(2*len(used.links)+1); opened > limit {
		t.Errorf("%d open descriptors, want at most %d", opened, limit)
	}
	again, err := c.Executables.Attach(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	if len(again.links) == 0 {
		t.Error("an executable that comes again gets no probes")
	}
}

// TestAttachAgain requires that an idle executable keeps its probes when it is used
// again.
func TestAttachAgain(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	var first *Executable
	for range 3 {
		exe, err := c.Executables.Attach(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = exe
		}
		if exe != first {
			t.Error("an idle executable was attached to anew")
		}
		if n := len(c.Executables.cache.idle); n != 0 {
			t.Errorf("%d executables count as idle while one is in use", n)
		}
		if err := c.Executables.Release(exe); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOverwrite writes to an executable that has probes and is not running: the open
// must succeed soon, with the probes gone by then.
func TestOverwrite(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	exe, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if exe.lease == nil {
		t.Skip("the file system of the temporary directory has no leases")
	}
	if err := c.Executables.Release(exe); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.Executables.mu.Lock()
	defer c.Executables.mu.Unlock()
	if len(exe.links) != 0 || exe.lease != nil || c.Executables.cache.byKey[exe.key] != nil || len(c.Executables.cache.idle) != 0 {
		t.Errorf("open for writing with probes in it: %+v", exe)
	}
}

// TestAttachWhileWriting attaches to a file that cannot be leased: its probes must go
// when nobody runs it.
func TestAttachWhileWriting(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	exe, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(exe.links) == 0 {
		t.Fatal("no probes")
	}
	if err := c.Executables.Release(exe); err != nil {
		t.Fatal(err)
	}
	c.Executables.awaitLeaving()
	if len(exe.links) != 0 {
		t.Error("the probes stay in a file that somebody may be writing to")
	}
}
