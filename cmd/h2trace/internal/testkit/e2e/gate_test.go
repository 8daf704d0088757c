package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// longHold is how long an exec may take on a busy machine, and less than the bound.
// Package gate compares gate.Bound itself with the clock, and so does scripts/soak.
const longHold = promptly

// gateShell is a shell under h2trace that runs the lines it gets.
type gateShell struct {
	*tracing
	site *site
	dir  string
	made int
}

func startGateShell(t *testing.T, s *site, env []string, flags ...string) *gateShell {
	t.Helper()
	return &gateShell{site: s, dir: t.TempDir(), tracing: startTracing(t, command{
		flags: flags,
		args:  []string{"sh", "-c", `echo ready; while read -r line; do eval "$line"; echo "status $?"; done`},
		env:   append(s.env[:len(s.env):len(s.env)], env...),
	})}
}

// fresh creates a new executable.
func (s *gateShell) fresh() string {
	s.t.Helper()
	s.made++
	file := filepath.Join(s.dir, fmt.Sprintf("fresh%d", s.made))
	fetch.copyTo(s.t, file)
	return file
}

// run makes the shell run a line, which must succeed, and returns how long it took.
func (s *gateShell) run(line string) time.Duration {
	s.t.Helper()
	start := time.Now()
	if _, err := io.WriteString(s.stdin, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
	for {
		got := s.line()
		if got == "status 0" {
			return time.Since(start)
		}
		if got != "ready" {
			s.t.Fatalf("%s: %s\n%s", line, got, indent(s.stderr()))
		}
	}
}

// fetch makes the shell request a path with a fresh executable, and removes it.
func (s *gateShell) fetch(path string) {
	s.t.Helper()
	file := s.fresh()
	s.run(file + " " + s.site.url + path + " >/dev/null")
	if err := os.Remove(file); err != nil {
		s.t.Fatal(err)
	}
}

// ready waits until the shell runs, and returns the gatekeeper.
func (s *gateShell) ready() (gatekeeper int) {
	s.t.Helper()
	if got := s.line(); got != "ready" {
		s.t.Fatalf("the shell says %q", got)
	}
	gatekeeper = gatekeeperOf(s.cmd.Process.Pid)
	if gatekeeper == 0 {
		s.t.Fatalf("there is no gatekeeper\n%s", indent(s.stderr()))
	}
	return gatekeeper
}

// gatekeeperOf returns the gatekeeper among the children of h2trace, or 0.
func gatekeeperOf(h2trace int) int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	for _, file := range stats {
		var pid, ppid int
		var comm, state string
		b, _ := os.ReadFile(file) // it may be gone by now
		n, _ := fmt.Sscan(string(b), &pid, &comm, &state, &ppid)
		if n == 4 && comm == "(h2trace-gate)" && ppid == h2trace {
			return pid
		}
	}
	return 0
}

// wantWhole requires that there is a connection for each path, seen from its first
// byte, and nothing else. On a busy machine some execs may exceed the bound, but not
// most, and not without a message of h2trace.
func wantWhole(t *testing.T, r *result, want map[string]bool) {
	t.Helper()
	missing := notWhole(t, r, want)
	if len(missing) > mayBeLate(r, len(want)) {
		t.Errorf("not seen from the first byte: %q\n%s", missing, indent(messagesOf(r.stderr)))
	} else if len(missing) > 0 {
		t.Logf("%q went on before their probes were in place, as h2trace said", missing)
	}
}

// notWhole returns the paths without a request on a connection that was seen from its
// first byte, which is the preface of RFC 9113 §3.4.
func notWhole(t *testing.T, r *result, want map[string]bool) (missing []string) {
	t.Helper()
	if err := checkSummary(r.stream); err != nil {
		t.Error(err)
	}
	got := make(map[string]bool)
	for _, c := range r.stream.Conns() {
		if c.Open == nil || c.Open.Joined != "start" || len(c.Frames) == 0 || c.Frames[0].Type != "SETTINGS" {
			continue
		}
		for _, f := range c.Frames {
			if f.Violation != "" || f.Truncated {
				t.Errorf("frame out of order: %s", f.Raw)
			}
			for _, h := range f.Headers {
				if h.Name == ":path" && got[h.Value] {
					t.Errorf("%s was seen twice", h.Value)
				}
				if h.Name == ":path" {
					got[h.Value] = true
				}
			}
		}
	}
	for path := range want {
		if !got[path] {
			missing = append(missing, path)
		}
	}
	return missing
}

// mayBeLate returns how many executions may lack their beginning: as many as h2trace
// says, and in full runs none or hardly any.
func mayBeLate(r *result, runs int) int {
	if soaking {
		return min(lateIn(r.stderr), 1+runs/20)
	}
	return min(lateIn(r.stderr), 1+runs/2)
}

var lateMessage = regexp.MustCompile(`h2trace: (\d+) executions? went on before`)

// lateIn returns how many execs h2trace reported as not held to the end.
func lateIn(stderr string) int {
	m := lateMessage.FindStringSubmatch(stderr)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func wantGone(t *testing.T, gatekeeper int) {
	t.Helper()
	await(t, "the end of the gatekeeper", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", gatekeeper))
		return err != nil || strings.Contains(string(b), ") Z ")
	})
}

// TestFresh runs executables that were copied just before.
func TestFresh(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	tests := []struct {
		name string
		runs int
		env  []string
	}{
		{"short-lived", 100, nil},
		{"while collecting garbage", 10, []string{"GOGC=1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { runFresh(t, s, tt.runs, tt.env) })
	}
}

func runFresh(t *testing.T, s *site, runs int, env []string) {
	t.Helper()
	sh := startGateShell(t, s, env)
	gatekeeper := sh.ready()
	want := make(map[string]bool)
	for i := range runs {
		path := fmt.Sprintf("/fresh/%d", i)
		want[path] = true
		sh.fetch(path)
	}
	wantWhole(t, sh.good(), want)
	wantGone(t, gatekeeper)
}

// TestFreshTogether starts several at once, one of them through a script.
func TestFreshTogether(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sh := startGateShell(t, s, nil)
	sh.ready()
	script := filepath.Join(sh.dir, "script")
	text := fmt.Sprintf("#!/bin/sh\nexec %s %s/script\n", sh.fresh(), s.url)
	child.WriteProgram(t, script, []byte(text))
	want := map[string]bool{"/script": true}
	line := script + " >/dev/null & "
	for i := range 6 {
		path := fmt.Sprintf("/together/%d", i)
		want[path] = true
		line += fmt.Sprintf("%s %s%s >/dev/null & ", sh.fresh(), s.url, path)
	}
	sh.run(line + "wait")
	wantWhole(t, sh.good(), want)
}

// TestFreshNamed holds an executable for its name, which no target executes.
func TestFreshNamed(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	tr := startTracing(t, command{flags: []string{"-n", "fresh-client"}})
	tr.awaitObserving()
	file := filepath.Join(t.TempDir(), "fresh-client")
	fetch.copyTo(t, file)
	run(t, []string{file, s.url + "/named"}, s.env)
	tr.awaitEvent(`"action":"exit"`, 1)
	tr.signal(os.Interrupt)
	wantWhole(t, tr.good(), map[string]bool{"/named": true})
}

// TestNoGate starts no gatekeeper.
func TestNoGate(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sh := startGateShell(t, s, nil, "--no-gate")
	sh.fetch("/")
	if pid := gatekeeperOf(sh.cmd.Process.Pid); pid != 0 {
		t.Errorf("process %d is a gatekeeper", pid)
	}
	// Without a hold, a program can end before it is examined.
	if r := sh.good(); strings.Contains(r.stderr, "held") || strings.Contains(r.stderr, "gatekeeper") {
		t.Errorf("messages: %s", r.stderr)
	}
}
