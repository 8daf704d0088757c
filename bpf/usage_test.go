package bpf

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCPU compares the CPU time of processes with that which wait4(2) returns: of one with a
// thread, and of one with many.
func TestCPU(t *testing.T) {
	for name, args := range map[string][]string{
		"a thread": {"/bin/sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"},
		"threads":  {filepath.Join(runtime.GOROOT(), "bin", "gofmt"), "-l", filepath.Join(runtime.GOROOT(), "src", "net")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(args[0], args[1:]...)
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			var got time.Duration
			readAll(t, c, func(e Event) {
				if exit, ok := e.(*Exit); ok && exit.PID == cmd.Process.Pid {
					got = exit.CPU
				}
			})
			want := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			// The last slice of a thread may be a tick of 10 ms.
			if slack := 50*time.Millisecond + want/10; want < 100*time.Millisecond || got < want-slack || got > want+slack {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestLocks has a process wait for a lock that the test holds, one that gets its lock at
// once, and one that does not wait for it.
func TestLocks(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Fatal(err) // of util-linux
	}
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	dir := filepath.Join(t.TempDir(), "a directory", "cache")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "lock")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("flock", filepath.Join(dir, "free"), "true").Run(); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("flock", "-n", file, "true").Run(); err == nil {
		t.Fatal("a lock was had that the test holds")
	}
	cmd := exec.Command("flock", file, "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const held = 200 * time.Millisecond
	var waits []Lock
	for deadline := time.Now().Add(10 * time.Second); len(waits) == 0 && time.Now().Before(deadline); {
		readAll(t, c, func(e Event) {
			if l, ok := e.(*Lock); ok {
				waits = append(waits, *l)
			}
		})
	}
	time.Sleep(held)
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	readAll(t, c, func(e Event) {
		if l, ok := e.(*Lock); ok {
			waits = append(waits, *l)
		}
	})
	var info unix.Stat_t
	if err := unix.Stat(file, &info); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 2 || !waits[0].Waits || waits[1].Waits {
		t.Fatalf("got %+v, want one wait", waits)
	}
	for i, l := range waits {
		if l.PID != cmd.Process.Pid || l.Thread != cmd.Process.Pid || l.Inode != info.Ino || l.Generation == 0 || l.Generation != waits[0].Generation {
			t.Errorf("%d: got %+v", i, l)
		}
	}
	if got := waits[0].Path; !strings.HasSuffix(file, strings.TrimPrefix(got, "…")) || !strings.HasSuffix(got, "/a directory/cache/lock") {
		t.Errorf("got path %q of %q", got, file)
	}
	if took := waits[1].Time.Sub(waits[0].Time); took < held {
		t.Errorf("waited %v, want at least %v", took, held)
	}
}
