package process

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/export"
)

// At returns the process with an id.
func (t *Tracker) At(pid int) (Process, bool) { return t.table.at(pid) }

// Probed lists the processes that run an executable with probes.
func (t *Tracker) Probed() []Process { return t.table.list((*Process).probed) }

// Observed lists the processes whose traffic may be seen: those with probes, and those
// without crypto/tls.
func (t *Tracker) Observed() []Process { return t.table.list((*Process).observed) }

// Missing lists the known processes that are not among the remaining targets. Their exit
// record is not read yet, or was lost.
func (t *Tracker) Missing(left []int) []Process { return t.table.missing(left) }

// Current reports whether a process still exists and runs the same program.
func (t *Tracker) Current(p *Process) bool { return t.table.current(p) }

// Paths returns paths at which the executables of the processes can be opened. It is safe
// for concurrent use, as is SourceOf.
func (t *Tracker) Paths() []string { return t.table.paths() }

// ByCalls reports whether what the TLS of a process carries comes from its calls.
func (t *Tracker) ByCalls(pid int) bool {
	p, ok := t.table.at(pid)
	return ok && p.byCalls()
}

// Pending reports whether probes are still to be attached to what a process runs.
func (t *Tracker) Pending(pid int) bool {
	p, ok := t.table.at(pid)
	return ok && p.File == nil
}

// SourceOf returns the proxies of a process, or nil if they are unknown.
func (t *Tracker) SourceOf(pid int) *fetchenv.Source {
	p, _ := t.table.at(pid)
	return p.Source
}

// Attached returns the event for a process whose executable has probes. It is safe for
// concurrent use.
func (t *Tracker) Attached(exe *bpf.Executable) *export.ProcessAttached {
	return attached(t.kernel, exe)
}

// Count returns the number of processes so far.
func (t *Tracker) Count() uint64 { return t.table.count() }

// NothingObserved returns the reason why no process got probes, or "".
func (t *Tracker) NothingObserved() string { return t.outcomes.nothingObserved() }
