//go:build linux

package bpf

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// useCompat makes newCollector load the programs for kernels without
// optionalFeatures.
var useCompat bool

// TestCompat runs the capture tests again, with the programs for older kernels. On
// such a kernel all tests ran with these anyway.
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
		{"sockets", TestSockets},
		{"kept sockets", TestKeptAtExec},
		{"secrets", TestOwnSecrets},
		{"handshakes", TestHandshakeFailsByPackets},
	} {
		t.Run(test.name, test.run)
	}
}

// TestCopiesAreShared attaches to many copies of one executable. They need no more
// programs than one of them, and none in the end.
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

// TestOptionalFeatures requires that no feature is missing where it must exist, and
// that none is found in Linux 5.10. Kernels in between may have backports.
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
