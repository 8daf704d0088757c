package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestAttachEnds attaches to a working client and ends the capture in each possible
// way. The client notices nothing.
func TestAttachEnds(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	tests := []struct {
		name  string
		flags []string
		end   func(tr *tracing, target *program)
		dead  bool // the target ends
	}{
		{name: "SIGINT", end: func(tr *tracing, _ *program) { tr.signal(syscall.SIGINT) }},
		{name: "SIGTERM", end: func(tr *tracing, _ *program) { tr.signal(syscall.SIGTERM) }},
		{name: "duration", flags: []string{"--duration", "1500ms"}, end: func(*tracing, *program) {}},
		{name: "the target exits", end: func(_ *tracing, p *program) { p.end() }, dead: true},
		{name: "the target is killed", end: func(_ *tracing, p *program) { _ = p.cmd.Process.Kill(); p.end() }, dead: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := startFile(t, fetch.path(t), s.env, "-", s.url+"/first", "-", s.url+"/second")
			tr := startTracing(t, command{flags: append(tt.flags, "-p", strconv.Itoa(target.pid))})
			tr.awaitEvent(`"action":"attached"`, 1)
			target.goOn()
			tr.awaitEvent(`"type":"DATA"`, 1)
			start := time.Now()
			tt.end(tr, target)
			r := tr.good()
			if took := time.Since(start); took > promptly {
				t.Errorf("ending took %s", took)
			}
			wantUsual(t, r, target.pid, slices.Contains(tt.flags, "--duration"), tt.dead)
			wantPaths(t, r.stream, []string{"/first"}, "/first")
			exits := processEvents(r.stream, "exit")
			if !tt.dead && len(exits) > 0 {
				t.Errorf("exit of a process that runs on: %s", exits[0].Raw)
			}
			if tt.dead {
				want := target.cmd.ProcessState.ExitCode()
				if want < 0 {
					want = 137
				}
				if e := ofPID(t, exits, target.pid); e.ExitCode == nil || *e.ExitCode != want {
					t.Errorf("exit code %d expected: %s", want, e.Raw)
				}
				return
			}
			served := s.requests.Load()
			target.goOn()
			target.end()
			if s.requests.Load() != served+1 || target.cmd.ProcessState.ExitCode() != 0 {
				t.Errorf("the target did not run on undisturbed: %s", target.cmd.ProcessState)
			}
		})
	}
}

// wantUsual requires messages that say what was observed and since when, what ended
// it, and what was seen and lost, and no others.
func wantUsual(t *testing.T, r *result, pid int, timedOut, dead bool) {
	t.Helper()
	tail := "; Ctrl-C ends it"
	if timedOut {
		tail = ", for 1.5s"
	}
	want := fmt.Sprintf(`^h2trace: observing \S+ \(%d\) and its children since 20\S+Z%s\n`, pid, tail)
	switch {
	case timedOut:
		want += `h2trace: stopped observing after 1.5s\n`
	case dead:
		want += `h2trace: all targets have exited\n`
	}
	want += `h2trace: saw 1 process, 1 connection, 1 exchange and \d+ frames in \d+\.\d s; lost nothing\n$`
	if !regexp.MustCompile(want).MatchString(r.stderr) {
		t.Errorf("messages do not match %s\n%s", want, indent(r.stderr))
	}
}

// TestAttachReaderGone ends the capture when nobody reads the events.
func TestAttachReaderGone(t *testing.T) {
	needProbes(t)
	target := startProgram(t, fetch, "-")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin(t, "h2trace"), "-p", strconv.Itoa(target.pid))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	firstLine(t, stdout)
	start := time.Now()
	if err := errors.Join(stdout.Close(), cmd.Wait()); err != nil {
		t.Fatalf("%v\n%s", err, indent(stderr.String()))
	}
	if took := time.Since(start); took > promptly || unusual(stderr.String()) != "" {
		t.Errorf("ended after %s, stderr %q", took, stderr.String())
	}
}

// TestAttachToThread passes the id of a thread, as top and others show it.
func TestAttachToThread(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	target := startFile(t, fetch.path(t), s.env, "-", s.url+"/first", "-")
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(target.pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		if id != target.pid {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		t.Fatal("a Go program with one thread")
	}
	tr := startTracing(t, command{flags: []string{"-p", join(ids...)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	target.goOn()
	tr.awaitEvent(`"type":"DATA"`, 1)
	tr.signal(syscall.SIGTERM)
	r := tr.good()
	wantPaths(t, r.stream, []string{"/first"}, "/first")
	ofPID(t, processEvents(r.stream, "attached"), target.pid) // once, by the id of the process
}

// TestAttachToDyingProcess lets processes end at many moments of an attach. h2trace
// refuses, or ends by itself; it never waits in vain.
func TestAttachToDyingProcess(t *testing.T) {
	needProbes(t)
	quick := startProgram(t, fetch, "-")
	whole := invoke(t, invocation{args: []string{"--duration", "1ms", "-p", strconv.Itoa(quick.pid)}}).took
	const tries = 14
	refused, ended := 0, 0
	for i := range tries {
		target := startProgram(t, fetch, "-")
		kill := time.AfterFunc(whole*time.Duration(i+3)/(tries+6), func() { _ = target.cmd.Process.Kill() })
		r := invoke(t, invocation{args: []string{"-p", strconv.Itoa(target.pid)}})
		kill.Stop()
		target.end()
		switch {
		case r.took > whole+promptly:
			t.Errorf("took %s", r.took)
		case r.status == 1:
			refused++
			r.wantMessage(t, strconv.Itoa(target.pid))
			if r.stdout != "" {
				t.Errorf("refused, but printed\n%s", indent(r.stdout))
			}
		case r.status == 0:
			ended++
			if err := checkBalance(r.stream(t)); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("status %d\n%s", r.status, indent(r.stderr))
		}
	}
	t.Logf("%d refused, %d ended", refused, ended)
}
