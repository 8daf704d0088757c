package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// program is a running goProgram that was not started under h2trace.
type program struct {
	pid    int
	stdout *bufio.Reader
	stdin  io.WriteCloser
	cmd    *exec.Cmd
	t      testing.TB
	ended  bool
}

// startProgram starts a program that waits, and returns when it waits.
func startProgram(t testing.TB, p goProgram, args ...string) *program {
	t.Helper()
	return startFile(t, p.path(t), nil, args...)
}

// startFile starts the program in a file; it must print its process id first.
func startFile(t testing.TB, file string, env []string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(file, args...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	stdin, stdout := child.Start(t, cmd)
	p := &program{cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout), t: t}
	t.Cleanup(p.end)
	p.pid = p.readPID()
	return p
}

// readPID reads a line with a process id.
func (p *program) readPID() int {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// goOn lets a program that waits at "-" continue.
func (p *program) goOn() {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// end lets the program end by itself, and waits for it.
func (p *program) end() {
	if p.ended {
		return
	}
	p.ended = true
	_ = p.stdin.Close()
	_, _ = io.Copy(io.Discard, p.stdout)
	_ = p.cmd.Wait() // its status does not matter here
}

func join(pids ...int) string {
	list := make([]string, len(pids))
	for i, pid := range pids {
		list[i] = strconv.Itoa(pid)
	}
	return strings.Join(list, ",")
}

// pidMax is one more than the highest possible process id.
func pidMax(t testing.TB) int {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func rawOf(events []*contract.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString("\n" + e.Raw)
	}
	return b.String()
}

// readAfter reads a line with a process id after a text.
func (p *program) readAfter(text string) int {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	number, ok := strings.CutPrefix(strings.TrimSpace(line), text)
	pid, err := strconv.Atoi(number)
	if !ok || err != nil {
		p.t.Fatalf("read %q, want a process id after %q", line, text)
	}
	return pid
}
