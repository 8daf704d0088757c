package top

import (
	"strconv"
	"time"

	"h2trace/export/scan"
)

// process is a process that events are about.
type process struct {
	meter
	key     string
	pid     int
	command string
	note    string
	skipped bool // nothing can be seen in it
	open    int64
	ended   time.Time
	bad     bool
}

// processOf returns the process of an id, nil if there is no room for another one.
func (m *Model) processOf(pid int, comm []byte) *process {
	if p := m.processes[pid]; p != nil {
		if p.command == "" {
			p.command = safe(comm)
		}
		return p
	}
	if p := m.gone[pid]; p != nil {
		return p
	}
	if pid <= 0 {
		return nil
	}
	m.ever.processes++
	if len(m.processes) >= maxProcesses {
		m.ever.unlisted++
		return nil
	}
	p := &process{key: strconv.Itoa(pid) + "/" + strconv.FormatInt(m.ever.processes, 10), pid: pid, command: safe(comm)}
	m.processes[pid] = p
	return p
}

// process takes what is said of a process.
func (m *Model) process(e *scan.Object, ns int64) {
	pid, _ := scan.Integer(e.Get("pid"))
	comm := e.Word("comm")
	action := string(e.Word("action"))
	if action == "exec" || action == "attached" {
		delete(m.gone, int(pid)) // that had the same id
	}
	p := m.processOf(int(pid), comm)
	if p == nil {
		return
	}
	switch action {
	case "exec":
		p.command, p.note, p.skipped = safe(comm), "", false
	case "attached":
		if p.command = safe(comm); e.Has("reason") {
			p.note = safe(e.Word("reason"))
		}
	case "skipped":
		p.note, p.skipped = safe(e.Word("reason")), true
	case "error":
		p.note, p.bad = safe(scan.Bytes(e.Within("error", "detail"))), true
	case "exit":
		p.exit(e, ns)
		m.exited(p)
	}
}

// exited keeps a process among those that ended.
func (m *Model) exited(p *process) {
	if m.gone[p.pid] == p {
		return
	}
	delete(m.processes, p.pid)
	m.ended.processes = keep(m.ended.processes, p)
	if len(m.gone) >= 2*maxEnded {
		clear(m.gone)
	}
	m.gone[p.pid] = p
}

func (p *process) exit(e *scan.Object, ns int64) {
	p.ended = time.Unix(0, ns)
	status, ok := scan.Integer(e.Get("exit_code"))
	switch {
	case !ok:
		p.note = "ended"
	case status == 0:
		p.note = "exited"
	default:
		p.note, p.bad = "exited with status "+strconv.FormatInt(status, 10), true
	}
}

func (p *process) row() Row {
	return Row{
		Key: p.key, Process: p.key, PID: p.pid, Command: p.command, Note: p.note, Counters: p.Counters, Rates: p.rates,
		InFlight: p.InFlight, Conns: p.open, Ended: p.ended, Bad: p.bad, Blind: p.skipped,
	}
}
