package report

import (
	"strings"

	"h2trace/export/scan"
)

// drawnProcess is an observed process.
type drawnProcess struct {
	event      int64 // that of its end, or 0
	pid, ppid  int64
	name, exe  string
	begin, end wallTime // end is 0 if it is not known
	exit, note string
}

// process returns the place of the process of an event, or -1 if there are too many. A process
// that has not been seen before begins with the event, or with the run.
func (t *timeline) process(h *head, begins bool) int {
	d := t.now
	if i, ok := d.current[h.pid]; ok {
		if p := &d.processes[i]; p.name == "" {
			p.name = short(scan.Text(h.comm))
		}
		return i
	}
	if t.held.processes == maxDrawnProcesses {
		if begins {
			t.leftOut.processes++
		}
		return -1
	}
	t.held.processes++
	p := drawnProcess{pid: h.pid, name: short(scan.Text(h.comm))}
	if begins {
		p.begin = h.at
	}
	d.current[h.pid] = len(d.processes)
	d.processes = append(d.processes, p)
	return len(d.processes) - 1
}

func (t *timeline) exec(e *execEvent) {
	if i := t.process(&e.head, true); i >= 0 {
		p := &t.now.processes[i]
		p.ppid = e.ppid
		p.exe = short(strings.TrimSpace(scan.Text(e.exe)))
		p.name = short(scan.Text(e.comm)) // which the kernel cuts
		if base := p.exe[strings.LastIndexByte(p.exe, '/')+1:]; strings.HasPrefix(base, p.name) {
			p.name = base
		}
	}
}

func (t *timeline) skipped(e *skippedEvent) {
	if i := t.process(&e.head, true); i >= 0 {
		t.now.processes[i].note = short(scan.Text(e.reason))
	}
}

func (t *timeline) exit(e *exitEvent, of *run) {
	i := t.process(&e.head, false)
	delete(t.now.current, e.pid)
	if i < 0 {
		return
	}
	p := &t.now.processes[i]
	p.event, p.end = of.event, e.at
	if p.begin == 0 && e.duration > 0 {
		p.begin = e.at.add(-e.duration)
	}
	if e.known {
		p.exit = "exit status " + decimal(e.status)
	}
	if e.cpuKnown {
		p.exit = strings.TrimPrefix(p.exit+", "+human(e.cpu)+" of CPU", ", ")
	}
}

func (t *timeline) complaint(e *complaintEvent) {
	if i := t.process(&e.head, false); i >= 0 {
		t.now.processes[i].note = short(e.className() + ": " + scan.Text(e.detail))
	}
}
