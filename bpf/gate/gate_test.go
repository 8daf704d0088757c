package gate

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// asked records the questions of the gatekeeper.
type asked struct {
	sync.Mutex
	files []fileID
}

func (a *asked) attach(_ int, f, _ *os.File) (func(), error) {
	id, err := fileIDOf(int(f.Fd()))
	a.Lock()
	defer a.Unlock()
	a.files = append(a.files, id)
	return nil, err
}

func (a *asked) list() []fileID {
	a.Lock()
	defer a.Unlock()
	return append([]fileID(nil), a.files...)
}

func idOf(t testing.TB, path string) fileID {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, err := fileIDOf(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestHeldUntilAttached holds one file until Attach has returned, and asks
// about each file once.
func TestHeldUntilAttached(t *testing.T) {
	needGate(t)
	dir, targets := ownFS(t), newTargets(t)
	attached := make(chan struct{})
	var a asked
	g := startGate(t, Options{Targets: targets, Only: dir, Attach: func(pid int, f, _ *os.File) (func(), error) {
		<-attached
		return a.attach(pid, f, nil)
	}})
	file := trueIn(t, dir, "true")
	w := newWaiter(t, targets, file)
	w.exec()
	await(t, "a held exec", w.held)
	close(attached)
	w.ended()
	for range 3 {
		again := newWaiter(t, targets, file)
		again.exec()
		again.ended()
	}
	if diff := cmp.Diff([]fileID{idOf(t, file)}, a.list()); diff != "" {
		t.Errorf("files asked about (-want +got):\n%s", diff)
	}
	if g.Late() != 0 {
		t.Errorf("%d executions were late", g.Late())
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w = newWaiter(t, targets, file)
	w.exec()
	w.ended()
	if got := a.list(); len(got) != 2 || got[1] != idOf(t, file) {
		t.Errorf("after the file was rewritten: asked about %v", got)
	}
}

// TestScript runs a script: the gatekeeper asks about it, and about its interpreter.
func TestScript(t *testing.T) {
	needGate(t)
	dir, targets := ownFS(t), newTargets(t)
	var a asked
	startGate(t, Options{Targets: targets, Only: dir, Attach: a.attach})
	sh := copyFile(t, "/bin/sh", filepath.Join(dir, "sh"))
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+sh+"\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWaiter(t, targets, script)
	w.exec()
	w.ended()
	if diff := cmp.Diff([]fileID{idOf(t, script), idOf(t, sh)}, a.list()); diff != "" {
		t.Errorf("files asked about (-want +got):\n%s", diff)
	}
}

// TestOthersPass has an h2trace that never answers, and processes that are not
// targets.
func TestOthersPass(t *testing.T) {
	needGate(t)
	soon(t, "an exec of a process that is no target", Bound/2, othersPass)
}

// soon fails unless measure takes at most a given time. On a busy machine, and in an
// emulator, an exec can take long by itself, but not each time, as a held one does.
func soon(t *testing.T, what string, most time.Duration, measure func(*testing.T) time.Duration) {
	t.Helper()
	end := time.Now().Add(2 * patience)
	for {
		took := measure(t)
		if took <= most || t.Failed() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s took %v, want at most %v", what, took, most)
		}
		t.Logf("%s took %v, once more", what, took)
	}
}

// othersPass returns how long an exec took while another was held.
func othersPass(t *testing.T) time.Duration {
	t.Helper()
	dir, targets := ownFS(t), newTargets(t)
	blocked := make(chan struct{})
	g := startGate(t, Options{Targets: targets, Only: dir, Attach: func(int, *os.File, *os.File) (func(), error) {
		<-blocked
		return nil, nil
	}})
	held := newWaiter(t, targets, trueIn(t, dir, "held"))
	held.exec()
	await(t, "a held exec", held.held)
	w := newWaiter(t, nil, trueIn(t, dir, "true"))
	w.exec()
	took := w.ended()
	held.ended()
	close(blocked)
	await(t, "the late exec to be told", func() bool { return g.Late() == 1 })
	return took
}

// TestSilence bounds how long one exec of several files takes when h2trace does not
// answer: the bound covers all of them.
func TestSilence(t *testing.T) {
	needGate(t)
	soon(t, "the longest of three execs", 2*Bound, func(t *testing.T) time.Duration {
		took := silence(t)
		if took[0] < Bound/2 {
			t.Fatalf("the first exec took %v; it was not held", took[0])
		}
		return slices.Max(took)
	})
}

// silence returns how long execs of a script took, one after the other.
func silence(t *testing.T) (took []time.Duration) {
	t.Helper()
	dir := ownFS(t)
	a := startAgent(t, dir)
	sh := copyFile(t, "/bin/sh", filepath.Join(dir, "sh"))
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+sh+"\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w := newWaiter(t, a.targets, script)
		w.exec()
		took = append(took, w.ended())
	}
	return took
}

// TestEnds ends or stops a participant while an exec is held, with SIGKILL or
// SIGSTOP: the exec continues, and no gatekeeper is left.
func TestEnds(t *testing.T) {
	needGate(t)
	tests := []struct {
		name   string
		strike func(t *testing.T, a *agent)
		most   time.Duration // how long the exec may take from then on
		ends   bool          // the gatekeeper ends
	}{
		{"h2trace killed", func(t *testing.T, a *agent) { kill(t, a.cmd.Process.Pid, unix.SIGKILL) }, Bound, true},
		{"h2trace stopped", func(t *testing.T, a *agent) { kill(t, a.cmd.Process.Pid, unix.SIGSTOP) }, 2 * Bound, false},
		{"gatekeeper killed", func(t *testing.T, a *agent) { kill(t, a.keeper, unix.SIGKILL) }, Bound, true},
		{"gatekeeper stopped", func(t *testing.T, a *agent) { kill(t, a.keeper, unix.SIGSTOP) }, 2 * deadManTime, true},
		{"both stopped", func(t *testing.T, a *agent) {
			kill(t, a.cmd.Process.Pid, unix.SIGSTOP)
			kill(t, a.keeper, unix.SIGSTOP)
		}, 2 * deadManTime, true},
		{"terminated politely", func(t *testing.T, a *agent) { kill(t, a.keeper, unix.SIGTERM) }, 2 * Bound, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			soon(t, "the rest of an exec, or the next one", tt.most, func(t *testing.T) time.Duration {
				dir := ownFS(t)
				a := startAgent(t, dir)
				w := newWaiter(t, a.targets, trueIn(t, dir, "true"))
				w.exec()
				await(t, "a held exec", w.held)
				tt.strike(t, a)
				took := w.ended()
				w = newWaiter(t, a.targets, trueIn(t, dir, "next"))
				w.exec()
				took = max(took, w.ended())
				if tt.ends {
					await(t, "the end of the gatekeeper", func() bool { return !running(a.keeper) })
				} else if !running(a.keeper) {
					t.Error("the gatekeeper has ended")
				}
				return took
			})
		})
	}
}

func kill(t *testing.T, pid int, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// TestClose leaves no process, no mark and no descriptor, and releases a held
// process.
func TestClose(t *testing.T) {
	needGate(t)
	dir, targets := ownFS(t), newTargets(t)
	before := openFDs(t)
	release := make(chan struct{})
	entered := make(chan struct{})
	g := startGate(t, Options{Targets: targets, Only: dir, Attach: func(int, *os.File, *os.File) (func(), error) {
		close(entered)
		<-release
		return nil, errors.New("no")
	}})
	w := newWaiter(t, targets, trueIn(t, dir, "true"))
	w.exec()
	<-entered
	time.AfterFunc(Bound/4, func() { close(release) })
	g.Close()
	g.Wait()
	w.ended()
	if running(g.keeper.Pid) {
		t.Error("the gatekeeper is still there")
	}
	if diff := cmp.Diff(before, openFDs(t)); diff != "" {
		t.Errorf("descriptors (-before +after):\n%s", diff)
	}
	w = newWaiter(t, targets, trueIn(t, dir, "after"))
	w.exec()
	w.ended()
}

// TestKeeperEnds checks that h2trace learns of the end of the gatekeeper.
func TestKeeperEnds(t *testing.T) {
	needGate(t)
	ended := make(chan error, 1)
	g := startGate(t, Options{
		Targets: newTargets(t),
		Only:    ownFS(t),
		Attach:  func(int, *os.File, *os.File) (func(), error) { return nil, nil },
		Ended:   func(err error) { ended <- err },
	})
	kill(t, g.keeper.Pid, unix.SIGKILL)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no reason")
		}
	case <-time.After(patience):
		t.Fatal("not told")
	}
}

func TestRefused(t *testing.T) {
	needGate(t)
	_, err := Start(Options{Targets: newTargets(t), Only: filepath.Join(t.TempDir(), "none")})
	if err == nil || err.Error() != "fanotify_mark: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func openFDs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil {
			list = append(list, to)
		}
	}
	return list
}

// running reports whether a process exists and is no zombie.
func running(pid int) bool {
	b, err := os.ReadFile(procStat(pid))
	return err == nil && stateOf(b) != 'Z' && stateOf(b) != 'X'
}
