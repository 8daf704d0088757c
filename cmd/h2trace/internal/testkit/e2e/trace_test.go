package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
)

// tracing is one h2trace process, running or, after wait, ended.
type tracing struct {
	t      testing.TB
	cmd    *exec.Cmd
	cancel context.CancelFunc
	events string // file
	log    string // file: stderr of h2trace and of what it runs
	stdin  io.WriteCloser
	stdout *bufio.Reader
	pipe   io.Closer // the reading end of stdout
}

// command is what h2trace runs.
type command struct {
	flags []string // of h2trace, besides -o and --show-secrets
	args  []string // COMMAND and its arguments; nil with -p in flags
	wrap  []string // what runs an h2trace that prints events on stdout, instead of all that
	dir   string
	env   []string
	limit time.Duration // of the whole run; 0 is patience
}

// startTracing starts h2trace. The test ends it if it is still running then.
func startTracing(t testing.TB, c command) *tracing {
	t.Helper()
	dir := t.TempDir()
	tr := &tracing{t: t, events: filepath.Join(dir, "events.jsonl"), log: filepath.Join(dir, "stderr.log")}
	args := slices.Concat([]string{"--show-secrets", "-o", tr.events, "--source", source()}, c.flags)
	if c.args != nil {
		args = append(append(args, "--"), c.args...)
	}
	var ctx context.Context
	ctx, tr.cancel = context.WithTimeout(context.Background(), max(c.limit, patience))
	tr.cmd = exec.CommandContext(ctx, bin(t, "h2trace"), args...)
	if c.wrap != nil {
		tr.cmd = exec.CommandContext(ctx, c.wrap[0], c.wrap[1:]...)
	}
	tr.cmd.Dir, tr.cmd.Env = c.dir, c.env
	// Its own process group, so that a timeout ends COMMAND as well.
	tr.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tr.cmd.Cancel = func() error { return syscall.Kill(-tr.cmd.Process.Pid, syscall.SIGKILL) }
	stderr, err := os.Create(tr.log)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	tr.cmd.Stderr = stderr
	if tr.stdin, err = tr.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	tr.cmd.Stdout, tr.stdout, tr.pipe = w, bufio.NewReader(r), r
	if c.wrap != nil {
		events, err := os.Create(tr.events)
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		tr.cmd.Stdout = events
	}
	if err := tr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tr.cancel()
		_ = tr.cmd.Wait() // an error after wait, as expected
		_ = tr.pipe.Close()
	})
	return tr
}

// line reads a line that COMMAND prints.
func (tr *tracing) line() string {
	tr.t.Helper()
	s, err := tr.stdout.ReadString('\n')
	if err != nil {
		tr.t.Fatalf("stdout of the command: %v\n%s", err, indent(tr.stderr()))
	}
	return strings.TrimSpace(s)
}

// stderr returns what h2trace and COMMAND printed there, but that h2trace was told to print secrets.
func (tr *tracing) stderr() string {
	b, err := os.ReadFile(tr.log)
	if err != nil {
		return err.Error()
	}
	return strings.Replace(string(b), "h2trace: --show-secrets: passwords, tokens and cookies are printed as they are\n", "", 1)
}

// result is the outcome of a run of h2trace.
type result struct {
	status int
	stdout string
	stderr string
	stream *contract.Stream
	log    *http2debug.Log
}

// wait waits for h2trace to end by itself and reads its output and the log.
func (tr *tracing) wait() *result {
	tr.t.Helper()
	if err := tr.stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		tr.t.Fatal(err)
	}
	rest, err := io.ReadAll(tr.stdout)
	if err != nil {
		tr.t.Fatal(err)
	}
	err = tr.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tr.t.Fatal(err)
	}
	r := &result{status: tr.cmd.ProcessState.ExitCode(), stdout: string(rest), stderr: tr.stderr()}
	if strings.Contains(r.stderr, " never fired ") && !slices.ContainsFunc(tr.cmd.Env, isDeaf) {
		tr.t.Errorf("a probe is called dead:\n%s", indent(messagesOf(r.stderr)))
	}
	if r.status < 0 {
		tr.t.Fatalf("h2trace: %v\n%s", err, indent(r.stderr))
	}
	b, err := os.ReadFile(tr.events)
	if err != nil {
		tr.t.Fatalf("%v\n%s", err, indent(r.stderr))
	}
	if r.stream, err = contract.Read(bytes.NewReader(b)); err != nil {
		tr.t.Fatalf("output: %v\n%s", err, indent(r.stderr))
	}
	if r.log, err = http2debug.Parse(strings.NewReader(r.stderr)); err != nil {
		tr.t.Fatal(err)
	}
	if ofPackets() && !slices.ContainsFunc(tr.cmd.Env, hasTestPlan) && !slices.ContainsFunc(tr.cmd.Args, takesCalls) {
		wantWire(tr.t, r.stream)
	}
	return r
}

// readLog reads the log of a process, written to a file with GODEBUG=http2debug=2.
func readLog(t *testing.T, file string) *http2debug.Log {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	log, err := http2debug.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// testPlan is the environment variable that makes h2trace observe by a
// trace.TestPlan.
func testPlan(name string) string { return "H2TRACE_TEST_PLAN=" + name }

// takesCalls reports whether a flag takes bytes from calls.
func takesCalls(flag string) bool { return flag == "--verify" || flag == "--plan" || flag == "calls" }

// hasTestPlan reports whether an environment variable names a trace.TestPlan that takes
// bytes from calls.
func hasTestPlan(variable string) bool {
	return strings.HasPrefix(variable, testPlan("")) && !isDeaf(variable)
}

// isDeaf reports whether an environment variable makes a probe do nothing.
func isDeaf(variable string) bool { return strings.HasPrefix(variable, testPlan("deaf-")) }

// debugEnv is the environment of a program that logs its frames.
func debugEnv(env []string) []string {
	return append(env[:len(env):len(env)], "GODEBUG=http2debug=2")
}
