package trace

import (
	"slices"

	"h2trace/export"
)

// missing returns the known processes that are not among the targets that are
// left. Their exit is about to be read, or was lost.
func (p *processes) missing(left []int) []process {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []process
	for pid, proc := range p.known {
		if !slices.Contains(left, pid) {
			list = append(list, proc)
		}
	}
	slices.SortFunc(list, func(a, b process) int { return a.pid - b.pid })
	return list
}

// current reports whether a process is still known as it was: else its exit
// was read, and its id may be another's by now.
func (p *processes) current(proc process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[proc.pid]
	return ok && known.at == proc.at
}

// vanish prints that a process has exited by the given time, which is all that
// is known of its end.
func (p *processes) vanish(pid int, at int64) {
	if proc, ok := p.forget(pid); ok {
		proc.at = at
		p.print(proc, &export.Process{Action: export.ProcessExit})
	}
}

// endLost ends the processes that are missing because their exit was lost, and
// their connections. All records of before they were found missing must be
// read. Without any loss there is nothing to do: a target is dropped just
// before its exit is reported.
func (o *Observer) endLost() error {
	missing := o.missing
	o.missing = nil
	ledger, err := o.collector.Ledger()
	if err != nil || ledger.Lost() == 0 {
		return err
	}
	now := monotonic()
	for _, proc := range missing {
		if !o.processes.current(proc) {
			continue
		}
		if err := o.conns.endProcess(proc.pid, now); err != nil {
			return err
		}
		o.processes.vanish(proc.pid, now)
	}
	return nil
}
