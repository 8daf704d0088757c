package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// promptly bounds what must happen at once: far more than it takes on a busy machine,
// and less than a hang.
const promptly = 5 * time.Second

// invocation is one run of h2trace as a user types it.
type invocation struct {
	wrap  []string // what runs h2trace, such as setpriv with its flags
	args  []string // flags, COMMAND and its arguments
	env   []string // nil for that of the test
	stdin string
	attr  *syscall.SysProcAttr
}

// ran is the outcome of an invocation.
type ran struct {
	status         int
	stdout, stderr string
	took           time.Duration
}

// invoke runs h2trace to its end.
func invoke(t testing.TB, inv invocation) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	argv := append(append(inv.wrap[:len(inv.wrap):len(inv.wrap)], bin(t, "h2trace")), inv.args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = inv.env, strings.NewReader(inv.stdin), &stdout, &stderr
	cmd.SysProcAttr = inv.attr
	cmd.WaitDelay = promptly // descendants of COMMAND may hold the pipes
	start := time.Now()
	err := cmd.Run()
	r := ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(start)}
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v after %s\n%s", inv.args, errors.Join(err, ctx.Err()), r.took, indent(r.stderr))
	}
	checkEvents(t, r.stdout)
	for i, arg := range inv.args {
		if arg == "-o" && i+1 < len(inv.args) {
			checkEventsFile(t, inv.args[i+1])
		}
	}
	return r
}

// checkEvents checks the lines of an output, if these are events.
func checkEvents(t testing.TB, output string) {
	t.Helper()
	if !contract.IsEvents([]byte(output)) {
		return
	}
	if err := contract.Lines([]byte(output)); err != nil {
		t.Errorf("output: %v", err)
	}
}

// checkEventsFile checks the lines of a file, if there is one, and it has events.
func checkEventsFile(t testing.TB, file string) {
	t.Helper()
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checkEvents(t, string(b))
}

// stream reads the events on stdout.
func (r ran) stream(t testing.TB) *contract.Stream {
	t.Helper()
	s, err := contract.Read(strings.NewReader(r.stdout))
	if err != nil {
		t.Fatalf("stdout: %v\n%s", err, indent(r.stderr))
	}
	return s
}

// wantRefusal requires an exit status, no output, and exactly one message, which has
// all of the words.
func (r ran) wantRefusal(t testing.TB, status int, words ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d", r.status, status)
	}
	r.wantMessage(t, words...)
	if r.stdout != "" {
		t.Errorf("a run that was refused printed\n%s", indent(r.stdout))
	}
	if r.took > promptly {
		t.Errorf("took %s", r.took)
	}
}

// wantMessage requires exactly one unusual line on stderr, which has all of the
// words.
func (r ran) wantMessage(t testing.TB, words ...string) {
	t.Helper()
	said := unusual(r.stderr)
	if !strings.HasPrefix(said, "h2trace: ") || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		t.Errorf("want one message, got\n%s", indent(r.stderr))
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("the message does not have %q:\n%s", w, indent(r.stderr))
		}
	}
}

// processEvents returns the process events of one action.
func processEvents(s *contract.Stream, action string) []*contract.Event {
	var out []*contract.Event
	for _, e := range s.Of("process") {
		if e.Action == action {
			out = append(out, e)
		}
	}
	return out
}

// ofPID returns the one event of a process, or fails.
func ofPID(t testing.TB, events []*contract.Event, pid int) *contract.Event {
	t.Helper()
	var found *contract.Event
	for _, e := range events {
		if e.PID != pid {
			continue
		}
		if found != nil {
			t.Fatalf("two events of one kind for process %d:\n%s\n%s", pid, found.Raw, e.Raw)
		}
		found = e
	}
	if found == nil {
		t.Fatalf("no such event for process %d", pid)
	}
	return found
}

// signal sends a signal to h2trace alone.
func (tr *tracing) signal(sig os.Signal) {
	tr.t.Helper()
	if err := tr.cmd.Process.Signal(sig); err != nil {
		tr.t.Fatal(err)
	}
}

// interrupt presses Ctrl-C where h2trace has no COMMAND: it ends with status 0.
func (tr *tracing) interrupt() *result {
	tr.t.Helper()
	tr.signal(syscall.SIGINT)
	r := tr.wait()
	if r.status != 0 {
		tr.t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	return r
}

// awaitEvent waits until the events file has a text n times.
func (tr *tracing) awaitEvent(text string, n int) {
	tr.t.Helper()
	await(tr.t, text, func() bool { return lines(tr.events, text) >= n })
}

// awaitObserving waits until h2trace -n says that it observes. The gatekeeper runs before
// it holds anything.
func (tr *tracing) awaitObserving() {
	tr.t.Helper()
	await(tr.t, "h2trace to observe", func() bool { return strings.Contains(tr.stderr(), "observing what runs") })
}

// good is wait for a run that must end with status 0 and a balanced ledger.
func (tr *tracing) good() *result {
	tr.t.Helper()
	r := tr.wait()
	if r.status != 0 {
		tr.t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	if err := checkBalance(r.stream); err != nil {
		tr.t.Error(err)
	}
	return r
}
