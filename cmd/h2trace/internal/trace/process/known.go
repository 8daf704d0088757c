package process

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/export"
)

// At returns the process of an id.
func (t *Tracker) At(pid int) (Process, bool) { return t.table.at(pid) }

// Probed lists the processes that run an executable with probes.
func (t *Tracker) Probed() []Process { return t.table.list((*Process).probed) }

// Observed lists the processes of which something may be seen: those, and those
// without crypto/tls.
func (t *Tracker) Observed() []Process { return t.table.list((*Process).observed) }

// Missing lists the known processes that are not among the targets that are left.
// Their exit is about to be read, or was lost.
func (t *Tracker) Missing(left []int) []Process { return t.table.missing(left) }

// Current reports whether a process is still known as it was.
func (t *Tracker) Current(p *Process) bool { return t.table.current(p) }

// Paths returns where the executables of the processes can be opened. It is safe for
// concurrent use, as are SourceOf and Attached.
func (t *Tracker) Paths() []string { return t.table.paths() }

// SourceOf returns where a process fetches from, nil where that is not known.
func (t *Tracker) SourceOf(pid int) *fetchenv.Source {
	p, _ := t.table.at(pid)
	return p.Source
}

// Attached is the event of a process whose executable has the probes that it has.
func (t *Tracker) Attached(exe *bpf.Executable) *export.ProcessAttached {
	return attached(t.kernel, exe)
}

// Count returns how many processes there were.
func (t *Tracker) Count() uint64 { return t.table.count() }

// NothingObserved says why no process at all got probes, or returns "".
func (t *Tracker) NothingObserved() string { return t.outcomes.nothingObserved() }
