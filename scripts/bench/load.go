package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// loadSpec is one run of the client.
type loadSpec struct {
	path     string
	workers  int
	conns    int // 0 is 1
	rate     int
	warmup   time.Duration
	duration time.Duration
	// plan is planNone, or how h2trace observes.
	plan string
	// clientCPU and agentCPU are cores; -1 is any.
	clientCPU, agentCPU int
}

// loadResult holds the measurements of the client, and the summary of h2trace.
type loadResult struct {
	Requests      int64   `json:"requests"`
	Bytes         int64   `json:"bytes"`
	Seconds       float64 `json:"seconds"`
	TotalRequests int64   `json:"total_requests"`
	Late          int     `json:"late"`

	summary *summary
}

func (r *loadResult) rate() float64 { return float64(r.Requests) / r.Seconds }

// grace is the extra time of a run for start-up and draining.
const grace = 30 * time.Second

// run runs the client once.
func (b *bench) run(ctx context.Context, server *process, s loadSpec) (*loadResult, error) {
	ctx, cancel := context.WithTimeout(ctx, s.warmup+s.duration+grace)
	defer cancel()
	args := []string{
		filepath.Join(b.dir, "client"), "-cpu", fmt.Sprint(s.clientCPU), "-cert", server.cert,
		"-url", server.url + s.path, "-c", fmt.Sprint(s.workers), "-conns", fmt.Sprint(max(s.conns, 1)), "-rate", fmt.Sprint(s.rate),
		"-warmup", s.warmup.String(), "-duration", s.duration.String(),
	}
	cpu := s.clientCPU
	var env []string
	if s.plan != planNone {
		var flags []string
		flags, env = observing(s.plan)
		if s.plan == planOTLP {
			c, err := b.startCollector(s.agentCPU)
			if err != nil {
				return nil, err
			}
			flags = append(flags, "--otlp", c.url)
		}
		args = slices.Concat([]string{b.h2trace, "-q", "-o", "/dev/fd/3"}, flags, []string{"--"}, args)
		cpu = s.agentCPU
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	events, err := newEventReader(s.agentCPU)
	if err != nil {
		return nil, err
	}
	defer events.stop()
	cmd.ExtraFiles = []*os.File{events.to}
	if err := start(cmd, cpu); err != nil {
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	r := &loadResult{}
	if err := json.Unmarshal(stdout.Bytes(), r); err != nil {
		return nil, fmt.Errorf("client printed %q: %w", stdout.Bytes(), err)
	}
	if r.Requests == 0 {
		return nil, fmt.Errorf("%s: no request finished in %v", strings.Join(args, " "), s.duration)
	}
	if s.plan == planNone {
		return r, nil
	}
	if r.summary, err = events.summary(); err != nil {
		b.fault("%s, plan %s: %v", s.path, s.plan, err)
		return r, nil
	}
	for _, fault := range r.summary.faults(s.plan, r.TotalRequests) {
		b.fault("%s, plan %s: %s", s.path, s.plan, fault)
	}
	return r, nil
}

// eventReader is a program that reads the events and keeps the last ones, as a log
// pipeline would, on the core of h2trace. A file would cost what memory for it costs on
// this machine, which can be as much as everything else.
type eventReader struct {
	to   *os.File // where the events go
	tail *exec.Cmd
	last bytes.Buffer
	over sync.Once
	err  error
}

func newEventReader(cpu int) (*eventReader, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	e := &eventReader{to: to, tail: exec.Command("tail", "-c", fmt.Sprint(maxSummary))}
	e.tail.Stdin, e.tail.Stdout = from, &e.last
	if err := start(e.tail, cpu); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	return e, nil
}

// stop waits until all writers have ended, and all is read.
func (e *eventReader) stop() {
	e.over.Do(func() { e.err = errors.Join(e.to.Close(), e.tail.Wait()) })
}

func (e *eventReader) summary() (*summary, error) {
	e.stop()
	if e.err != nil {
		return nil, fmt.Errorf("NO EVENTS: %w", e.err)
	}
	return parseSummary(e.last.Bytes())
}

// observing returns the flags and the environment of h2trace for a plan.
func observing(plan string) (flags, env []string) {
	switch plan {
	case planEmpty, planFrames:
		return []string{"--source", planCalls}, []string{"H2TRACE_TEST_PLAN=" + plan}
	case planCalls, planWire:
		return []string{"--source", plan}, nil
	case planPcap:
		return []string{"--source", planWire, "--pcap", os.DevNull, "--show-secrets"}, nil
	case planMetrics:
		return []string{"--source", planWire, "--metrics", ":0"}, nil
	case planOTLP:
		return []string{"--source", planWire}, nil // and what the collector adds
	case planVerify:
		return []string{"--source", planCalls, "--verify"}, nil
	case planEntryRet:
		return []string{"--source", planCalls, "--plan", plan}, nil
	}
	return nil, nil
}

// fault records something that must never happen, whatever the speed.
func (b *bench) fault(format string, args ...any) {
	b.report.Faults = append(b.report.Faults, fmt.Sprintf(format, args...))
}
