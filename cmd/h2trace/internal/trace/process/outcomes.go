package process

import (
	"sync"

	"h2trace/decoder/ktime"
	"h2trace/export"
)

// maxOutcomes bounds of how many processes outcomes are kept.
const maxOutcomes = 4096

// outcomes is what came of attaching to processes, also to some that have exited.
// It is safe for concurrent use.
type outcomes struct {
	mu       sync.Mutex
	attached int
	skipped  skipped
	byPID    map[int]outcome
}

// outcome is what came of attaching to a process, by when that began.
type outcome struct {
	at    ktime.Time
	event *export.ProcessAttached
}

// setCommand says which process is to execute COMMAND, as typed.
func (o *outcomes) setCommand(typed string, pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skipped = skipped{typed: typed, pid: pid}
}

// attach takes the outcome for a process that got probes.
func (o *outcomes) attach(p *Process, event *export.ProcessAttached) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attached++
	if o.byPID == nil || len(o.byPID) >= maxOutcomes {
		o.byPID = make(map[int]outcome)
	}
	o.byPID[p.PID] = outcome{p.At, event}
}

// of returns the outcome for a process that got probes, or nil.
func (o *outcomes) of(p *Process) *export.ProcessAttached {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one := o.byPID[p.PID]; one.at == p.At {
		return one.event
	}
	return nil
}

// skip takes why nothing can be captured in a process, and returns its outcome.
func (o *outcomes) skip(p *Process, reason string) export.ProcessSkipped {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skipped.add(p, reason)
	return export.ProcessSkipped{Reason: reason}
}

// any reports whether any process got probes.
func (o *outcomes) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.attached > 0
}

// nothingObserved says why no process at all got probes, or returns "".
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
