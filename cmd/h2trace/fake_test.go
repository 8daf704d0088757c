package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
)

// fakeTracer stands in for the probes in tests of the command line. The
// environment variable H2TRACE_FAKE lists what it is to do differently:
//
//	no-load       making it fails
//	no-attach     attaching fails
//	slow          attaching takes a while, and creates the file "attaching"
//	hang          attaching hangs, after it has created the file "attaching"
//	flood         it writes events until it is to end, not one
//	endless       with flood: it does not end by itself
//	mark          it creates the file "observing" when it observes
//	broken        observing fails at once
//	hasty         h2trace says at once that a reader does not read, or is not there
//	impatient     it does not wait for that reader in the end
//	stuck         draining hangs, after it has created the file "draining"
type fakeTracer struct {
	out     *output.Output
	tasks   map[string]bool
	targets int
}

func newFakeTracer(_ Options, out *output.Output, _ *message.Printer) (tracer, error) {
	t := &fakeTracer{out: out, tasks: make(map[string]bool)}
	for task := range strings.SplitSeq(os.Getenv("H2TRACE_FAKE"), ",") {
		t.tasks[task] = true
	}
	if t.tasks["no-load"] {
		return nil, errors.New("no kernel")
	}
	return t, nil
}

func (t *fakeTracer) AttachCommand(pid int, _ string) error {
	return t.AttachRunning([]int{pid}, nil)
}

func (t *fakeTracer) AttachRunning(pids []int, _ []string) error {
	if t.tasks["no-attach"] {
		return errors.New("no probes")
	}
	if t.tasks["slow"] {
		mark("attaching")
		time.Sleep(2 * time.Second) // there is a signal to come, from a busy machine
	}
	if t.tasks["hang"] {
		hang("attaching")
	}
	t.targets = len(pids)
	return nil
}

func (t *fakeTracer) Observe(ctx context.Context) error {
	if t.tasks["broken"] {
		return errors.New("probes broke")
	}
	if _, err := fmt.Fprintf(t.out, `{"event":"attached","targets":%d}`+"\n", t.targets); err != nil {
		return err
	}
	if t.tasks["mark"] {
		mark("observing")
	}
	for t.tasks["flood"] && (t.tasks["endless"] || ctx.Err() == nil) {
		if _, err := fmt.Fprintln(t.out, `{"event":"frame"}`); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
	}
	<-ctx.Done()
	if t.tasks["stuck"] {
		hang("draining")
	}
	_, err := fmt.Fprintln(t.out, `{"event":"summary"}`)
	return err
}

func (t *fakeTracer) Close() error { return nil }

// hang creates a file and sleeps for longer than any test.
func hang(file string) {
	mark(file)
	time.Sleep(time.Minute)
}

// mark creates a file that a script awaits.
func mark(file string) {
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		panic(err)
	}
}
