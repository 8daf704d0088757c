//go:build linux

package bpf

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mountTmpfs mounts a file system for one test, which may unmount it.
func mountTmpfs(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // it may be gone
	return dir
}

// TestUnmount unmounts the file system of an idle executable, and of one that a
// process still runs. That must work at once, without MNT_DETACH. The probes, which
// hold the file system, must go.
func TestUnmount(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"idle": false, "running": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for idleTime
			c := newCollector(t, Options{BufferSize: 1 << 20})
			dir := mountTmpfs(t)
			if err := c.Recovery.Begin(nil); err != nil {
				t.Fatal(err)
			}
			exe := attachCopy(t, c, filepath.Join(dir, "with blank\nand newline"))
			if !running {
				exe.release(t)
			}
			if !c.Executables.Keeps(exe.Executable) || probesOf(c, exe.Executable) == 0 {
				t.Fatal("the probes do not outlive the process")
			}
			if err := unix.Unmount(dir, 0); err != nil {
				t.Fatalf("unmount with probes in place: %v", err)
			}
			if running {
				exe.release(t)
			}
			awaitNoProbes(t, c, exe.Executable)
		})
	}
}

// TestUnmountHeld has a mount that cannot be cloned, like one of another mount
// namespace: probes hold it only for a while.
func TestUnmountHeld(t *testing.T) {
	t.Parallel() // it only waits for idleTime
	c := newCollector(t, Options{BufferSize: 1 << 20})
	dir := mountTmpfs(t)
	if err := unix.Mount("", dir, "", unix.MS_UNBINDABLE, ""); err != nil {
		t.Fatal(err)
	}
	exe := attachCopy(t, c, filepath.Join(dir, "program"))
	if c.Executables.Keeps(exe.Executable) {
		t.Error("the probes are said to stay as long as they are wanted")
	}
	exe.release(t)
	again := attachCopy(t, c, exe.path)
	if again.Executable != exe.Executable {
		t.Error("an executable that was idle for a moment was attached to anew")
	}
	again.release(t)
	awaitNoProbes(t, c, exe.Executable)
	if err := unix.Unmount(dir, 0); err != nil {
		t.Errorf("unmount: %v", err)
	}
}

// TestSameNumbers replaces the contents of a file that could not be traced, with the same
// size and modification time.
func TestSameNumbers(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	path := filepath.Join(t.TempDir(), "program")
	copySelf(t, path)
	whole, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, whole.Size()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, whole.ModTime(), whole.ModTime()); err != nil {
		t.Fatal(err)
	}
	first, err := c.Executables.Attach(path)
	if err != nil || first.Skip == "" {
		t.Fatalf("zeros: %+v, %v", first, err)
	}
	copySelf(t, path)
	if err := os.Chtimes(path, whole.ModTime(), whole.ModTime()); err != nil {
		t.Fatal(err)
	}
	second, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if second.Plan == nil {
		t.Errorf("a program in the place of zeros: %s", second.Skip)
	}
}

// attachedCopy is an executable that was attached to once.
type attachedCopy struct {
	*Executable
	c    *Collector
	path string
}

func attachCopy(t *testing.T, c *Collector, path string) attachedCopy {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		copySelf(t, path)
	}
	exe, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	return attachedCopy{exe, c, path}
}

func (a attachedCopy) release(t *testing.T) {
	t.Helper()
	if err := a.c.Executables.Release(a.Executable); err != nil {
		t.Fatal(err)
	}
}

// awaitNoProbes waits until an executable has neither probes nor a lease. The limit
// is for an emulator on a busy machine, where a detach takes seconds.
func awaitNoProbes(t *testing.T, c *Collector, exe *Executable) {
	t.Helper()
	const most = idleTime + 30*time.Second
	for end := time.Now().Add(most); ; time.Sleep(5 * time.Millisecond) {
		c.Executables.mu.Lock()
		left := exe.probed()
		held := exe.lease != nil
		c.Executables.mu.Unlock()
		if !left && !held {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: probes %v, lease %v", most, left, held)
		}
	}
}
