//go:build linux

package trace

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/goproxy"
	"h2trace/export"
)

// TestComplaintsHeld has complaints of unknown class, which wait for the end of the process.
func TestComplaintsHeld(t *testing.T) {
	var l complaints
	for pid := range 3 {
		l.hold(process.Process{PID: pid}, &export.ProcessError{})
	}
	for range 2 * maxKept {
		l.hold(process.Process{PID: 3}, &export.ProcessError{})
	}
	l.exec(process.Process{PID: 2}, nil) // another toolchain
	for _, tt := range []struct{ pid, code, want int }{{0, 0, 0}, {1, 1, 1}, {2, 1, 0}, {3, 2, maxKept}, {1, 1, 0}} {
		if got := len(l.exit(tt.pid, tt.code)); got != tt.want {
			t.Errorf("exit of %d with %d: got %d complaints, want %d", tt.pid, tt.code, got, tt.want)
		}
	}
}

// TestComplaintProcesses finds the processes that complaints are about.
func TestComplaintProcesses(t *testing.T) {
	var l complaints
	remote := []string{"git", "ls-remote", "-q", "https://example.com/m.git"}
	run := func(pid, code int, args ...string) {
		l.exec(process.Process{PID: pid, PPID: 1}, args)
		if code >= 0 {
			l.exit(pid, code)
		}
	}
	run(2, 0, "git", "init", "--bare")
	run(3, 128, remote...)
	run(4, 1, "git", "cat-file", "-e", "x")
	run(5, -1, "git", "fetch")
	run(6, -1, "make")
	l.exec(process.Process{PID: 7, PPID: 8}, []string{"git", "fetch"})
	l.exit(7, 128)
	const of, in = "git ls-remote -q https://example.com/m.git", "git ls-remote -q origin"
	for _, tt := range []struct {
		pid     int
		command string
		want    []export.Child
	}{
		{1, of, []export.Child{{PID: 3, Args: remote, ExitCode: 128}}},
		{1, in, []export.Child{{PID: 4, Args: []string{"git", "cat-file", "-e", "x"}, ExitCode: 1}}},
		{1, "", nil}, // the complaint names no command
		{2, of, nil},
	} {
		if diff := cmp.Diff(tt.want, l.of(tt.pid, &goproxy.Complaint{Command: tt.command})); diff != "" {
			t.Errorf("%q of %d: -want +got:\n%s", tt.command, tt.pid, diff)
		}
	}
	if got := l.of(1, &goproxy.Complaint{Detail: "m.example/m.git@v1.0.0: no secure protocol found for repository"}); len(got) != 2 {
		t.Errorf("got %+v, want all that failed", got)
	}
	for i := range 2 * maxRan {
		run(100+i, 1, "git", "fetch")
	}
	if len(l.ran[1]) > maxRan {
		t.Errorf("%d processes are kept", len(l.ran[1]))
	}
	l.exit(1, 0)
	l.exit(8, 0)
	if len(l.ran)+len(l.runs) > 0 {
		t.Errorf("%v, %v are kept of parents that are gone", l.ran, l.runs)
	}
}
