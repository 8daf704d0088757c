//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCPU compares the CPU time of processes with that which wait4(2) returns: of one with a
// busy thread, and of one with many.
func TestCPU(t *testing.T) {
	if n, _ := strconv.Atoi(os.Getenv("H2TRACE_TEST_BUSY")); n > 0 {
		burn(n)
		return
	}
	for _, threads := range []int{1, 8} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestCPU$")
			cmd.Env = append(os.Environ(), fmt.Sprintf("H2TRACE_TEST_BUSY=%d", threads))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got time.Duration
			readAll(t, c, func(e Event) {
				if exit, ok := e.(*Exit); ok && exit.PID == cmd.Process.Pid {
					got = exit.CPU
				}
			})
			want := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			// The last slice of each thread, a tick of at most 10 ms, may be missing.
			if slack := time.Duration(threads+2)*10*time.Millisecond + want/10; want < 100*time.Millisecond || got < want-slack || got > want+slack {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// burn keeps threads busy until they have used 200 ms of CPU time in all.
func burn(threads int) {
	var all sync.WaitGroup
	for range threads {
		all.Go(func() {
			var now, begin unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &begin)
			for now = begin; now.Nano()-begin.Nano() < int64(200*time.Millisecond); {
				_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now)
			}
		})
	}
	all.Wait()
}

// TestLocks has a thread wait for a lock that another one holds, get one at once, and fail
// to get one for which it does not wait.
func TestLocks(t *testing.T) {
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
	thread, done := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread <- unix.Gettid()
		done <- lockAgain(file)
	}()
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
	if err := <-done; err != nil {
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
	tid := <-thread
	for i, l := range waits {
		if l.PID != os.Getpid() || l.Thread != tid || l.Inode != info.Ino || l.Generation != waits[0].Generation {
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

// lockAgain gets a lock at once, does not wait for that of a file, and then waits for it.
func lockAgain(file string) error {
	free, err := os.Create(file + ".free")
	if err != nil {
		return err
	}
	defer free.Close()
	if err := unix.Flock(int(free.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("a lock that another one holds: %w", err)
	}
	return unix.Flock(int(f.Fd()), unix.LOCK_EX)
}
