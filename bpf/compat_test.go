package bpf

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// useCompat makes newCollector load what kernels without optionalFeatures get.
var useCompat bool

// TestCompat runs the tests of what is captured again, with the programs that
// older kernels get. On such a kernel they were all run with these.
func TestCompat(t *testing.T) {
	if needsCompat() {
		return
	}
	useCompat = true
	defer func() { useCompat = false }()
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"capture", TestCapture},
		{"walk", TestWalk},
		{"loss", TestLoss},
		{"stale", TestStale},
		{"read fault", TestReadFault},
		{"huge write", TestHugeWrite},
		{"many connections", TestManyConnections},
		{"wrapped conn", TestWrappedConn},
		{"processes", TestProcesses},
		{"tables", TestTables},
		{"tables end", TestTablesEnd},
		{"large tables", TestLargeTables},
		{"verify", TestVerify},
		{"replace", TestReplace},
		{"sockets", TestSockets},
	} {
		t.Run(test.name, test.run)
	}
}

// TestCopiesAreShared attaches to many executables of the same make, which are
// to need no more programs than one of them, and none in the end.
func TestCopiesAreShared(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20, compat: true})
	first := len(c.programs.loaded)
	if first <= len(hookPrograms) {
		t.Fatal("no programs for the test binary")
	}
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	second, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.programs.loaded); got != first {
		t.Errorf("%d programs for two executables, %d for one", got, first)
	}
	own, err := c.Executables.Attach("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range []*Executable{own, second} {
		c.Executables.mu.Lock() // mounts may change meanwhile
		err := c.Executables.detach(exe)
		c.Executables.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := len(c.programs.loaded); got != len(hookPrograms) {
		t.Errorf("%d programs are left without an executable, want %d", got, len(hookPrograms))
	}
}

// TestOptionalFeatures requires that nothing is missed where it is for sure, nor
// found in Linux 5.10: kernels between may have what their makers put in.
func TestOptionalFeatures(t *testing.T) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	version := func(s string) (v [2]int) {
		if n, err := fmt.Sscanf(s, "%d.%d", &v[0], &v[1]); n != 2 {
			t.Fatalf("kernel version %q: %v", s, err)
		}
		return v
	}
	running := version(unix.ByteSliceToString(uts.Release[:]))
	for i, f := range checkOptional() {
		since := version(optionalFeatures[i].since)
		sure := slices.Compare(running[:], since[:]) >= 0
		if sure && (f.Err != nil || f.Detail != "") || running == [2]int{5, 10} && f.Detail == "" {
			t.Errorf("%s in Linux %d: got %q, %v", f.Name, running, f.Detail, f.Err)
		}
	}
}
