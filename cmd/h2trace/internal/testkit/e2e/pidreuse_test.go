package e2e

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// startAs starts a program like startFile, under a free process id.
func startAs(t testing.TB, pid int, file string, env []string, args ...string) *program {
	t.Helper()
	const last = "/proc/sys/kernel/ns_last_pid"
	for end := time.Now().Add(patience); time.Now().Before(end); {
		cmd := exec.Command(file, args...)
		cmd.Env, cmd.Stderr = env, os.Stderr
		if err := os.WriteFile(last, []byte(strconv.Itoa(pid-1)), 0o644); err != nil {
			t.Skip("process ids cannot be chosen here: " + err.Error())
		}
		stdin, stdout := child.Start(t, cmd)
		p := &program{cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout), t: t, pid: cmd.Process.Pid}
		if p.pid == pid {
			t.Cleanup(p.end)
			return p
		}
		_ = cmd.Process.Kill() // another process was faster
		p.end()
	}
	t.Fatalf("process id %d was not to be had", pid)
	return nil
}

// foreigner is a program that nobody asked to observe.
func foreigner(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "foreigner")
	shuffled.copyTo(t, file)
	return file
}

// wantNoForeigner requires that nothing about that program was printed.
func wantNoForeigner(t testing.TB, r *result) {
	t.Helper()
	for _, e := range r.stream.Events {
		if strings.Contains(e.Raw, "foreign") {
			t.Errorf("of a process that has an observed one's id by now: %s", e.Raw)
		}
	}
}

// TestPIDReuse lets a target die, and another program take its id at once: before
// h2trace has read of the end, and after.
func TestPIDReuse(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	named := filepath.Join(dir, "reused-client")
	fetch.copyTo(t, named)
	other := foreigner(t)
	for _, stopped := range []bool{false, true} {
		for _, mode := range []string{"-p", "-n"} {
			t.Run(mode+"/stopped "+strconv.FormatBool(stopped), func(t *testing.T) {
				target := startFile(t, named, s.env, "-", s.url+"/first", "-")
				flags := []string{"-p", strconv.Itoa(target.pid)}
				if mode == "-n" {
					flags = []string{"-n", filepath.Base(named)}
				}
				tr := startTracing(t, command{flags: flags})
				tr.awaitEvent(`"action":"attached"`, 1)
				target.goOn()
				tr.awaitEvent(`"type":"DATA"`, 1)
				if stopped {
					tr.signal(unix.SIGSTOP)
				}
				_ = target.cmd.Process.Kill()
				target.end()
				next := startAs(t, target.pid, other, s.env, s.url+"/foreign", "-", s.url+"/foreign2")
				if got := firstLine(t, next.stdout); !strings.HasPrefix(got, "/foreign") {
					t.Fatalf("it printed %q", got)
				}
				if stopped {
					tr.signal(unix.SIGCONT)
				}
				tr.awaitEvent(`"action":"exit"`, 1)
				next.goOn()
				next.end()
				if mode == "-n" {
					tr.signal(os.Interrupt)
				}
				r := tr.good()
				wantNoForeigner(t, r)
				wantPaths(t, r.stream, []string{"/first"}, "/first")
				wantExits(t, r.stream, map[int]int{target.pid: 137})
			})
		}
	}
}

// TestPIDReuseOfChild lets a child of a target execute a program and die while
// h2trace is stopped. In /proc h2trace then finds another process.
func TestPIDReuseOfChild(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "child")
	fetch.copyTo(t, file)
	other := foreigner(t)
	keep := startFile(t, fetch.path(t), s.env, "-")
	root := shell(t, s.env)
	tr := startTracing(t, command{flags: []string{"--no-gate", "-p", join(root.pid, keep.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	tr.signal(unix.SIGSTOP)
	root.typeIn(file + " @" + dir + "/never & wait")
	child := root.readPID()
	if err := unix.Kill(child, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the child to be gone", func() bool { return unix.Kill(child, 0) != nil })
	next := startAs(t, child, other, s.env, "-", s.url+"/foreign")
	tr.signal(unix.SIGCONT)
	tr.awaitEvent(`"action":"exit"`, 1)
	await(t, "the child to be looked at", func() bool {
		return lines(tr.events, `"pid":`+strconv.Itoa(child)+`,`) >= 3
	})
	next.goOn()
	next.end()
	tr.signal(os.Interrupt)
	r := tr.good()
	wantNoForeigner(t, r)
	wantExits(t, r.stream, map[int]int{child: 137})
	if e := ofPID(t, processEvents(r.stream, "exec"), child); e.Exe != file {
		t.Errorf("the child executed %s: %s", file, e.Raw)
	}
	if ids := processEvents(r.stream, "attached"); slices.ContainsFunc(ids, func(e *contract.Event) bool { return e.PID == child }) {
		if got, want := buildID(t, ofPID(t, ids, child)), buildID(t, ofPID(t, ids, keep.pid)); got != want {
			t.Errorf("build id %q, want %q", got, want)
		}
	}
}

// holdsPID reports whether a process has a descriptor that stands for another.
func holdsPID(pid, other int) bool {
	infos, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fdinfo/*")
	return slices.ContainsFunc(infos, func(info string) bool { return lines(info, "Pid:\t"+strconv.Itoa(other)+"\n") > 0 })
}

// TestPIDReuseWhileAttaching replaces the target at a random moment of the attach.
// h2trace must not mistake the new process for it, and must not wait for that.
func TestPIDReuseWhileAttaching(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	other := foreigner(t)
	quick := startProgram(t, fetch, "-")
	whole := invoke(t, invocation{args: []string{"--duration", "1ms", "-p", strconv.Itoa(quick.pid)}}).took
	for range 12 {
		target := startProgram(t, fetch, "-")
		moment := time.Duration(rand.Int64N(int64(whole)))
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		// Before that, the current owner of the id is the intended one.
		await(t, "h2trace to know its target", func() bool { return holdsPID(tr.cmd.Process.Pid, target.pid) })
		time.Sleep(moment)
		_ = target.cmd.Process.Kill()
		target.end()
		next := startAs(t, target.pid, other, s.env, s.url+"/foreign", "-")
		firstLine(t, next.stdout)
		giveUp := time.AfterFunc(promptly, tr.cancel)
		err := tr.cmd.Wait() // not for the other process
		giveUp.Stop()
		if status := tr.cmd.ProcessState.ExitCode(); status != 0 && status != 1 {
			t.Errorf("after %v: status %d, %v\n%s", moment, status, err, indent(tr.stderr()))
		}
		if lines(tr.events, "foreign") > 0 {
			b, _ := os.ReadFile(tr.events)
			t.Errorf("after %v: another process was observed\n%s", moment, indent(string(b)))
		}
		next.end()
	}
}
