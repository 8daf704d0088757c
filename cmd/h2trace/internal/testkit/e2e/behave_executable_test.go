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

// TestReplacedExecutable rebuilds a program while it runs: the old process and a new
// one of the same path have their code at different addresses.
func TestReplacedExecutable(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "client")
	fetch.copyTo(t, file)
	root := shell(t, s.env)
	start := func(path string) int {
		root.typeIn(strings.Join([]string{file, "@" + dir + "/go", s.url + path, "&"}, " "))
		return root.readPID()
	}
	before := start("/old")
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(root.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	// As go build does: it removes the file, and does not overwrite it.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	shuffled.copyTo(t, file)
	after := start("/new")
	tr.awaitEvent(`"action":"attached"`, 2)
	touch(t, dir+"/go")
	root.typeIn("wait; exit")
	r := tr.good()
	root.end()

	wantPaths(t, r.stream, []string{"/old", "/new"}, "/old", "/new")
	for pid, path := range map[int]string{before: "/old", after: "/new"} {
		if got := paths(r.stream, pid); !slices.Equal(got, []string{path}) {
			t.Errorf("process %d: requests %q, want %q", pid, got, path)
		}
	}
	attached := processEvents(r.stream, "attached")
	if a, b := buildID(t, ofPID(t, attached, before)), buildID(t, ofPID(t, attached, after)); a == b || a == "" {
		t.Errorf("build ids %q and %q of two builds", a, b)
	}
}

// TestExecutableMetAtExec runs new programs that h2trace does not hold, and that send
// their first request at once. The probes may be too late for it. Then h2trace says
// so and prints nothing wrong; after the attach it misses nothing.
func TestExecutableMetAtExec(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	proxy := startRelay(t, nil, s.url, 0)
	joined := make(map[string]int)
	for i := range 8 {
		url, env := s.url, s.env
		if i >= 5 { // through an HTTP proxy, where the TLS is inside of a tunnel
			url, env = "https://goproxy.example", append(env, "HTTPS_PROXY=http://"+proxy.addr)
		}
		file, start := filepath.Join(dir, "client"+strconv.Itoa(i)), filepath.Join(dir, "go"+strconv.Itoa(i))
		fetch.copyTo(t, file)
		tr := startTracing(t, command{
			flags: []string{"--no-gate"},
			args:  []string{plain.path(t), file, "X-First:1", url + "/first", url + "/second", "@" + start, "X-Third:1", url + "/third", url + "/fourth"},
			env:   env,
		})
		tr.awaitEvent(`"action":"attached"`, 1)
		if got := tr.line(); !strings.HasPrefix(got, "/first/second") {
			t.Fatalf("stdout of the program: %q", got)
		}
		touch(t, start)
		r := tr.good()
		wantPaths(t, r.stream, []string{"/first", "/second", "/third", "/fourth"})
		conns := r.stream.Conns()
		want, through := 1, ""
		if i >= 5 {
			want, through = 2, " through a proxy"
		}
		if len(conns) != want || conns[want-1].Open == nil {
			t.Fatalf("%d connections, want %d", len(conns), want)
		}
		c := conns[want-1]
		joined[c.Open.Joined+through]++
		data := 0
		for _, e := range c.Frames {
			if e.Type == "DATA" {
				data++
			}
		}
		switch c.Open.Joined {
		case "start":
			wantPaths(t, r.stream, []string{"/first", "/second", "/third", "/fourth"}, "/first", "/second", "/third", "/fourth")
		case "mid":
			if data < 2 {
				t.Errorf("%d DATA frames after the attach, want those of /third and /fourth", data)
			}
		default:
			t.Errorf("joined: %s", c.Open.Raw)
		}
	}
	t.Logf("joined: %v", joined)
}

// TestGoBuildsAndRuns observes a program that the go command has just built.
func TestGoBuildsAndRuns(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	src := filepath.Dir(fetch.path(t)) // also fills the build cache
	tr := startTracing(t, command{
		args: []string{"sh", "-c", `go build -C "$0" -o "$1/client" . && "$1/client" @"$1/go" "$2"`, src, dir, s.url + "/built"},
		env:  append(s.env, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=local"),
	})
	pid, err := strconv.Atoi(tr.line())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "probes in the program", func() bool {
		return lines(tr.events, `"pid":`+strconv.Itoa(pid)+`,"comm":"client","action":"attached"`) > 0
	})
	touch(t, dir+"/go")
	r := tr.good()
	wantPaths(t, r.stream, []string{"/built"}, "/built")
	for _, c := range r.stream.Conns() {
		if c.Open.Joined != "start" || c.Open.PID != pid {
			t.Errorf("a connection of %d, made after the attach: %s", pid, c.Open.Raw)
		}
	}
	wantExits(t, r.stream, map[int]int{pid: 0})
}

// TestBuildVariants observes programs whose code or tables differ from those of a
// default build.
func TestBuildVariants(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	for _, program := range []goProgram{stripped, strippedPIE, race, debugged, externallyLinked, experiment} {
		t.Run(program.name, func(t *testing.T) {
			r := startTracing(t, command{
				args: []string{program.path(t), s.url + "/text", s.url + "/binary", s.url + "/variant"}, env: debugEnv(s.env),
			}).wait()
			verify(t, r, atExit)
			wantPaths(t, r.stream, []string{"/text", "/binary", "/variant"}, "/variant")
			for _, c := range r.stream.Conns() {
				if !strings.Contains(c.Open.Raw, `"tls":{"version":"TLS 1.3","alpn":"h2"`) {
					t.Errorf("what was agreed on is missing: %s", c.Open.Raw)
				}
			}
		})
	}
}

// TestGoRun follows the go command to the program that it runs, which it links
// without symbols.
func TestGoRun(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	src, ready := filepath.Dir(fetch.path(t)), t.TempDir()+"/go"
	tr := startTracing(t, command{
		args: []string{"sh", "-c", `go run -C "$0" . "$@"; exit $?`, src, "@" + ready, s.url + "/run", "!exit 3"},
		env:  append(s.env, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=local"),
	})
	tr.awaitEvent(`"comm":"fetch","action":"attached"`, 1)
	touch(t, ready)
	r := tr.wait()
	if r.status != 1 { // the status of the go command after any failure
		t.Errorf("status %d, want that of go run, 1\n%s", r.status, indent(r.stderr))
	}
	wantPaths(t, r.stream, []string{"/run"}, "/run")
	execs := processEvents(r.stream, "exec")
	program := slices.IndexFunc(execs, func(e *contract.Event) bool { return e.Comm == "fetch" })
	if program < 0 {
		t.Fatalf("the program is missing:%s", rawOf(execs))
	}
	pid := execs[program].PID
	goCommand := lastExec(execs, ppid(t, execs[program]))
	if goCommand == nil || filepath.Base(goCommand.Exe) != "go" {
		t.Fatalf("the parent of the program is not the go command:%s", rawOf(execs))
	}
	if top := lastExec(execs, ppid(t, goCommand)); top == nil || programName(t, top) != "sh" || ppid(t, top) != tr.cmd.Process.Pid {
		t.Errorf("its parent is not COMMAND, started by h2trace")
	}
	wantExits(t, r.stream, map[int]int{pid: 1, goCommand.PID: 1, ppid(t, goCommand): 1})
}

// TestOverwrittenExecutable overwrites the file of a program between two runs of it,
// as cp does.
func TestOverwrittenExecutable(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "client")
	root := shell(t, s.env)
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(root.pid) + "," + strconv.Itoa(startProgram(t, fetch, "-").pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	for i, p := range []goProgram{fetch, shuffled, fetch} {
		p.copyTo(t, file)
		ready := dir + "/go" + strconv.Itoa(i)
		root.typeIn(strings.Join([]string{file, "@" + ready, s.url + "/run" + strconv.Itoa(i)}, " ") + "; echo; echo $?")
		root.readPID()
		tr.awaitEvent(`"action":"attached"`, i+2)
		touch(t, ready)
		if got := firstLine(t, root.stdout); got != "/run"+strconv.Itoa(i) {
			t.Errorf("run %d printed %q", i, got)
		}
		if status := root.readPID(); status != 0 {
			t.Errorf("run %d ended with status %d", i, status)
		}
	}
	tr.signal(syscall.SIGINT)
	r := tr.good()
	root.end()
	wantPaths(t, r.stream, []string{"/run0", "/run1", "/run2"}, "/run0", "/run1", "/run2")
}
