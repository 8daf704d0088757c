//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/decoder/ktime"
	"h2trace/export"
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
//	seen          it observes a request of COMMAND, which took a second
//	unseen        it observes nothing
type fakeTracer struct {
	opts    Options
	out     *output.Output
	tasks   map[string]bool
	targets int
}

func newFakeTracer(opts Options, out *output.Output, _ *message.Printer) (tracer, error) {
	t := &fakeTracer{opts: opts, out: out, tasks: make(map[string]bool)}
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
	if t.tasks["seen"] || t.tasks["unseen"] {
		return t.observeEvents(ctx)
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

// observeEvents writes the events of a run, as a tracer does.
func (t *fakeTracer) observeEvents(ctx context.Context) error {
	begin := ktime.Time(1e9)
	now := func(ms int) ktime.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	events := export.NewJSONL(valid{t.out}, export.Options{
		Events: t.opts.Events, Listeners: t.opts.Listeners, Clock: ktime.NewClock(begin, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	})
	at := func(ms int) export.Meta { return export.Meta{Time: now(ms), PID: 7, Comm: "go"} }
	events.Process(at(0), &export.Process{Exe: "/usr/bin/go"}, export.ProcessExec{})
	if t.tasks["unseen"] {
		events.Process(at(0), &export.Process{Exe: "/usr/bin/go"}, export.ProcessSkipped{Reason: "not a Go binary"})
	} else {
		events.Process(at(0), &export.Process{Exe: "/usr/bin/go"}, &export.ProcessAttached{})
		const url = "https://goproxy.example/example.com/m/@v/v1.0.0.zip"
		asked, _ := goproxy.Parse(url)
		m := at(900)
		m.Conn = "c1"
		events.Exchange(m, &export.Exchange{Role: decoder.Client, Module: &export.Module{Request: asked}, Exchange: &exchange.Exchange{
			Stream: 1, Method: "GET", URL: url, Status: 200, Reused: exchange.ReusedYes,
			Start: now(100), RequestEnd: now(100), Response: now(900), ResponseEnd: now(900), End: now(900),
		}})
	}
	<-ctx.Done()
	events.Process(at(1000), &export.Process{}, export.ProcessExit{Code: new(0)})
	var sent *export.OTLP
	if t.opts.Delivered != nil {
		sent = t.opts.Delivered()
	}
	events.Summary(&export.Summary{Time: now(1000), Command: new(7), Labels: t.opts.Labels, OTLP: sent})
	return events.Close()
}

// valid refuses lines that the schema of events refuses.
type valid struct{ io.Writer }

func (v valid) Write(b []byte) (int, error) {
	if err := contract.Lines(b); err != nil {
		return 0, err
	}
	return v.Writer.Write(b)
}

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
