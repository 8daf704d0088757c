package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// shell is a shell that a test types commands into.
func shell(t testing.TB, env []string) *program {
	t.Helper()
	return startFile(t, "/bin/sh", env, "-c", "echo $$; exec sh")
}

// typeIn makes a shell run a command line.
func (p *program) typeIn(line string) {
	p.t.Helper()
	if _, err := p.stdin.Write([]byte(line + "\n")); err != nil {
		p.t.Fatal(err)
	}
}

// TestAttachFollowsDescendants attaches to a shell, which has nothing to observe
// itself. A child that runs already is observed, and so is a later one.
func TestAttachFollowsDescendants(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	root := shell(t, s.env)
	client := func(name string) string {
		return strings.Join([]string{fetch.path(t), "@" + dir + "/go", s.url + "/" + name, "&"}, " ")
	}
	root.typeIn(client("early"))
	early := root.readPID()

	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(root.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	root.typeIn(client("late"))
	late := root.readPID()
	tr.awaitEvent(`"action":"attached"`, 2)
	touch(t, dir+"/go")
	root.typeIn("wait; exit 5")
	r := tr.good() // when all targets have exited
	root.end()

	wantPaths(t, r.stream, []string{"/early", "/late"}, "/early", "/late")
	for pid, path := range map[int]string{early: "/early", late: "/late"} {
		if got := paths(r.stream, pid); !slices.Equal(got, []string{path}) {
			t.Errorf("process %d: requests %q, want %q", pid, got, path)
		}
		e := ofPID(t, processEvents(r.stream, "attached"), pid)
		if e.Exe != fetch.path(t) || ppid(t, e) != root.pid {
			t.Errorf("want exe %s, parent %d: %s", fetch.path(t), root.pid, e.Raw)
		}
	}
	for _, c := range r.stream.Conns() {
		if c.Open.Joined != "start" {
			t.Errorf("a connection made after the attach: %s", c.Open.Raw)
		}
	}
	if e := ofPID(t, processEvents(r.stream, "skipped"), root.pid); !strings.Contains(e.Reason, "not a Go binary") {
		t.Errorf("the shell: %s", e.Raw)
	}
	wantExits(t, r.stream, map[int]int{root.pid: 5, early: 0, late: 0})
	if execs := processEvents(r.stream, "exec"); len(execs) != 1 || execs[0].PID != late {
		t.Errorf("want one exec, of the late child:%s", rawOf(execs))
	}
}

// TestNoFollow does not observe the children, in both modes.
func TestNoFollow(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	child := "!" + fetch.path(t) + " " + s.url + "/child"
	for _, follow := range []bool{false, true} {
		name, flags, want := "no-follow", []string{"--no-follow"}, []string{"/before", "/after"}
		if follow {
			name, flags, want = "follow", nil, []string{"/before", "/child", "/after"}
		}
		check := func(t *testing.T, r *result, pid int) {
			t.Helper()
			if got := paths(r.stream, 0); !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
			for _, e := range r.stream.Of("process") {
				if !follow && e.PID != pid {
					t.Errorf("process %d was not to be followed: %s", e.PID, e.Raw)
				}
			}
		}
		t.Run("attach/"+name, func(t *testing.T) {
			target := startFile(t, fetch.path(t), s.env, "-", s.url+"/before", child, s.url+"/after")
			tr := startTracing(t, command{flags: append(flags, "-p", strconv.Itoa(target.pid))})
			tr.awaitEvent(`"action":"attached"`, 1)
			target.goOn()
			check(t, tr.good(), target.pid)
			target.end()
		})
		t.Run("run/"+name, func(t *testing.T) {
			r := startTracing(t, command{flags: flags, args: []string{fetch.path(t), s.url + "/before", child, s.url + "/after"}, env: s.env}).good()
			check(t, r, r.stream.Events[0].PID)
		})
	}
}

// TestNamespaces observes a program with other process ids and files than those of
// h2trace, as in a container: the printed ids are those outside.
func TestNamespaces(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	ready := t.TempDir() + "/go"
	tr := startTracing(t, command{
		args: []string{"unshare", "--pid", "--fork", "--mount-proc", fetch.path(t), "@" + ready, s.url + "/inside", "!exit 3"},
		env:  s.env,
	})
	if got := tr.line(); got != "1" {
		t.Errorf("the program has process id %s in its namespace, want 1", got)
	}
	tr.awaitEvent(`"action":"attached"`, 1)
	touch(t, ready)
	r := tr.wait()
	if r.status != 1 {
		t.Errorf("status %d, want 1\n%s", r.status, indent(r.stderr))
	}
	wantPaths(t, r.stream, []string{"/inside"}, "/inside")
	attached := processEvents(r.stream, "attached")
	if len(attached) != 1 || attached[0].PID == 1 || attached[0].Exe != fetch.path(t) {
		t.Fatalf("attached:%s", rawOf(attached))
	}
	wantExits(t, r.stream, map[int]int{attached[0].PID: 1})
}

// TestFamilyTree runs a tree of processes: each has its parent, its programs and its
// exit status.
func TestFamilyTree(t *testing.T) {
	needProbes(t)
	dir := t.TempDir()
	script := `echo $$
	` + plain.path(t) + ` sh -c 'echo $$ $PPID; exit 3'
	sh -c 'echo $$ $PPID; kill -KILL $$'
	sh -c 'echo $$ $PPID; exec ` + plain.path(t) + ` sh -c "exit 4"'
	./no-such-program
	(exit 9)
	kill -TERM $$`
	tr := startTracing(t, command{args: []string{"sh", "-c", script}, dir: dir, env: os.Environ()})
	r := tr.wait()
	if r.status != 128+int(syscall.SIGTERM) {
		t.Errorf("status %d, want that of COMMAND, killed by SIGTERM\n%s", r.status, indent(r.stderr))
	}
	var root, three, middle, killed, replaced, parent int
	f := strings.Fields(r.stdout)
	if len(f) != 7 {
		t.Fatalf("stdout %q", r.stdout)
	}
	for i, v := range []*int{&root, &three, &middle, &killed, &parent, &replaced, &parent} {
		n, err := strconv.Atoi(f[i])
		if err != nil {
			t.Fatal(err)
		}
		*v = n
	}
	if parent != root {
		t.Fatalf("the shell started %d, not %d", parent, root)
	}
	wantExits(t, r.stream, map[int]int{root: 143, three: 3, middle: 3, killed: 137, replaced: 4})
	execs := make(map[int][]string)
	for _, e := range processEvents(r.stream, "exec") {
		execs[e.PID] = append(execs[e.PID], programName(t, e))
		want := map[int]int{root: tr.cmd.Process.Pid, three: middle, middle: root, killed: root, replaced: root}[e.PID]
		if want != 0 && ppid(t, e) != want {
			t.Errorf("parent should be %d: %s", want, e.Raw)
		}
		if e.Comm == "" || !filepath.IsAbs(e.Exe) {
			t.Errorf("exec without comm, or path: %s", e.Raw)
		}
	}
	for pid, want := range map[int][]string{root: {"sh"}, three: {"sh"}, middle: {"plain"}, killed: {"sh"}, replaced: {"sh", "plain"}} {
		if !slices.Equal(execs[pid], want) {
			t.Errorf("process %d executed %q, want %q", pid, execs[pid], want)
		}
	}
	if got, want := processesOf(t, r.stream.Summary), int64(6); got != want {
		t.Errorf("summary counts %d processes, want %d", got, want)
	}
}

// wantExits requires the exit event of each process with its code.
func wantExits(t testing.TB, s *contract.Stream, codes map[int]int) {
	t.Helper()
	for pid, want := range codes {
		if e := ofPID(t, processEvents(s, "exit"), pid); e.ExitCode == nil || *e.ExitCode != want {
			t.Errorf("process %d should exit with %d: %s", pid, want, e.Raw)
		}
	}
}
