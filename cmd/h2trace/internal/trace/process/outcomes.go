package process

import (
	"sync"

	"h2trace/decoder/ktime"
	"h2trace/export"
)

// maxOutcomes bounds the number of processes with a kept outcome.
const maxOutcomes = 4096

// outcomes holds the outcomes of attaching to processes, some of which have exited. It is
// safe for concurrent use.
type outcomes struct {
	mu       sync.Mutex
	attached int
	skipped  skipped
	byPID    map[int]outcome
}

// outcome is the outcome of attaching to a process that ran its program from at on. Its probes were
// in place at since.
type outcome struct {
	at, since ktime.Time
	event     *export.ProcessAttached
}

// setCommand sets the process that executes COMMAND, as typed.
func (o *outcomes) setCommand(typed string, pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skipped = skipped{typed: typed, pid: pid}
}

// attach adds the outcome for a process that got probes.
func (o *outcomes) attach(p *Process, event *export.ProcessAttached, since ktime.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attached++
	if o.byPID == nil || len(o.byPID) >= maxOutcomes {
		o.byPID = make(map[int]outcome)
	}
	o.byPID[p.PID] = outcome{p.At, since, event}
}

// of returns the outcome for a process that got probes. Its event is nil for others.
func (o *outcomes) of(p *Process) outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one := o.byPID[p.PID]; one.at == p.At {
		return one
	}
	return outcome{}
}

// skip adds the reason why nothing can be captured in a process, and returns the event to
// print.
func (o *outcomes) skip(p *Process, reason string) export.ProcessSkipped {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skipped.add(p, reason)
	return export.ProcessSkipped{Reason: reason}
}

// miss is skip for a process that may run a Go program.
func (o *outcomes) miss(p *Process, reason string) export.ProcessSkipped {
	event := o.skip(p, reason)
	event.Unseen = true
	return event
}

// any reports whether any process got probes.
func (o *outcomes) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.attached > 0
}

// nothingObserved returns the reason why no process got probes, or "".
func (o *outcomes) nothingObserved() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.attached > 0 {
		return ""
	}
	if reason := o.skipped.String(); reason != "" {
		return reason
	}
	return "no process ran a program"
}
