//go:build linux

package bpf

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lifetime holds the reports of one process.
type lifetime struct {
	PPID     int
	Filename string
	Comm     string
	Code     int
	Exited   bool
}

func lives(t *testing.T, c *Collector) map[int]lifetime {
	t.Helper()
	got := map[int]lifetime{}
	now := map[int]Generation{}
	readAll(t, c, func(e Event) {
		pid := e.Header().PID
		l := got[pid]
		switch e := e.(type) {
		case *Exec:
			l.PPID, l.Filename, l.Comm = e.PPID, e.Filename, e.Comm
			if e.Generation == 0 || e.Generation == e.Before || now[pid] != 0 && now[pid] != e.Before {
				t.Errorf("process %d: generation %d after %d, which should be %d", pid, e.Generation, e.Before, now[pid])
			}
			now[pid] = e.Generation
			if st, err := os.Stat(e.Filename); err == nil && e.Image.Size != st.Size() {
				t.Errorf("%s has %d bytes, not %d", e.Filename, st.Size(), e.Image.Size)
			}
		case *Exit:
			l.Code, l.Exited = e.Code(), true
			if now[pid] != 0 && now[pid] != e.Generation {
				t.Errorf("process %d: generation %d ended, not %d", pid, e.Generation, now[pid])
			}
		default:
			t.Errorf("event %T", e)
		}
		got[pid] = l
	})
	return got
}

// runProcesses starts processes that end in three ways and returns the expected
// reports.
func runProcesses(t *testing.T) map[int]lifetime {
	t.Helper()
	want := map[int]lifetime{}
	for script, code := range map[string]int{
		"exit 0":               0,
		"exit 3":               3,
		"kill -KILL $$":        128 + 9,
		"/bin/true; kill -9 0": 128 + 9, // the first command is another process
	} {
		cmd := exec.Command("/bin/sh", "-c", script)
		if script == "/bin/true; kill -9 0" {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		}
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		want[cmd.Process.Pid] = lifetime{os.Getpid(), "/bin/sh", "sh", code, true}
	}
	return want
}

func TestProcesses(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	want := runProcesses(t)
	got := lives(t, c)
	for pid, w := range want {
		if diff := cmp.Diff(w, got[pid]); diff != "" {
			t.Errorf("process %d (-want +got):\n%s", pid, diff)
		}
	}
	grandchildren := 0
	for pid, l := range got {
		if _, child := want[pid]; child {
			continue
		}
		if _, ok := want[l.PPID]; ok && l.Filename == "/bin/true" && l.Code == 0 && l.Exited {
			grandchildren++
		}
	}
	if grandchildren != 1 {
		t.Errorf("got %d grandchildren, want 1: %+v", grandchildren, got)
	}
	targets, all, err := c.Targets.List()
	if err != nil || !all {
		t.Fatalf("all of the targets: %t, %v", all, err)
	}
	if diff := cmp.Diff([]int{os.Getpid()}, targets); diff != "" {
		t.Errorf("targets that are left (-want +got):\n%s", diff)
	}
}

// TestEnviron has processes with environments that fit into a record and one that
// does not. They have ended before the test reads their events.
func TestEnviron(t *testing.T) {
	const limit = 4096
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		size  int // of all, with each NUL
		whole bool
	}{{limit, true}, {limit + 1, false}, {64, true}} {
		env := []string{"GOPROXY=https://goproxy.example", "FILL="}
		want := strings.Join(env, "\x00") + "\x00"
		fill := strings.Repeat("x", tt.size-len(want))
		env[1] += fill
		want = want[:len(want)-1] + fill + "\x00"
		cmd := exec.Command("/bin/true")
		cmd.Env = env
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if !tt.whole {
			want = ""
		}
		if got := string(environOf(t, c, cmd.Process.Pid)); got != want {
			t.Errorf("%d bytes: got %d bytes, %.60q, want %d, %.60q", tt.size, len(got), got, len(want), want)
		}
	}
}

// environOf reads up to the exec of a process.
func environOf(t *testing.T, c *Collector, pid int) []byte {
	t.Helper()
	for {
		e, err := c.Read(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := e.(*Exec); ok && e.PID == pid {
			return slices.Clone(e.Environ)
		}
	}
}

func TestProcessesNotFollowed(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	runProcesses(t)
	if got := lives(t, c); len(got) != 0 {
		t.Errorf("got records of children: %+v", got)
	}
}

// TestAttachReplaced rewrites an executable in place: the probes of its old contents
// must go, because they would hit other instructions.
func TestAttachReplaced(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	path := filepath.Join(t.TempDir(), "program")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, self, 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Executables.Attach(path); err != nil || again != first {
		t.Errorf("the same file again: got %p, %v, want %p", again, err, first)
	}
	if probesOf(c, first) == 0 {
		t.Fatal("no probes on a copy of the test binary")
	}
	if err := os.WriteFile(path, append([]byte("#!/bin/sh\n"), self...), 0o700); err != nil {
		t.Fatal(err)
	}
	second, err := c.Executables.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if second.Skip != "not an ELF executable" {
		t.Errorf("the new contents: got %q", second.Skip)
	}
	if probesOf(c, first) != 0 {
		t.Error("the probes of the old contents are still there")
	}
}

// probesOf counts the links of an executable, which a broken lease may be about to
// close.
func probesOf(c *Collector, exe *Executable) int {
	c.Executables.mu.Lock()
	defer c.Executables.mu.Unlock()
	return len(exe.links)
}
