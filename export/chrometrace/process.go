package chrometrace

import (
	"path"
	"strconv"

	"h2trace/export"
	"h2trace/export/scan"
)

// process is a process, and its lanes.
type process struct {
	pid   int64
	name  string
	begin micros // of what it executes; 0 where that is over, or unknown
	exe   string
	own   lanes
	// Lookups, failed connects and waits for locks overlap.
	lookups, failed, locks lanes
	conns                  int
}

// Lanes of a process are in this order; then come those of its connections.
const (
	orderOwn = iota
	orderLookups
	orderFailed
	orderLocks
	orderConns
)

// processOf returns the process of the event.
func (t *Trace) processOf() *process {
	pid := t.pid()
	p, ok := t.processes.lru.Get(pid)
	if !ok {
		p = &process{
			pid:     pid,
			own:     lanes{pid: pid, name: "process", order: orderOwn},
			lookups: lanes{pid: pid, name: "lookups", order: orderLookups},
			failed:  lanes{pid: pid, name: "failed connects", order: orderFailed},
			locks:   lanes{pid: pid, name: "locks", order: orderLocks},
		}
		t.processes.lru.Add(pid, p)
		t.first(&p.own) // speedscope shows first what comes first
		t.order++
		t.out.metadata("process_sort_index", "sort_index", place{pid, pid}, strconv.AppendInt(nil, t.order, 10))
	}
	name := cut(t.event.Text("comm"))
	if name == "" && pid == 0 {
		name = "h2trace" // which lost something
	}
	if name != "" && name != p.name {
		p.name = name
		t.out.metadata("process_name", "name", place{pid, pid}, export.AppendString(nil, p.name))
	}
	return p
}

// process takes a process event.
func (t *Trace) process() {
	e, p := &t.event, t.processOf()
	now := microsOf(t.at)
	switch action := string(e.Word("action")); action {
	case "exec":
		t.executed(p, interval{p.begin, now}, nil)
		p.begin, p.exe = now, cut(e.Text("exe"))
	case "attached":
		if p.begin == 0 {
			p.begin, p.exe = now, cut(e.Text("exe"))
		}
	case "exit":
		i := interval{p.begin, now}
		if d, ok := scan.Millis(e.Get("duration_ms")); ok && d >= 0 {
			i = before(t.at, d)
		}
		p.exe = cut(e.Text("exe"))
		t.executed(p, i, e)
		p.begin = 0
	case "lock":
		t.lock(p)
	default: // error, skipped
		t.out.instant(cut(action+": "+t.complaint()), "process", t.first(&p.own), now)
		t.out.args(e, "exe", "reason", "error", "module", "requests", "via")
		t.out.end()
	}
}

// executed draws what a process executed, with what its exit says, if that was seen.
func (t *Trace) executed(p *process, i interval, exit *scan.Object) {
	if i.begin == 0 || i.end < i.begin {
		return
	}
	name := path.Base(p.exe)
	if p.exe == "" {
		name = p.name
	}
	t.out.span(name, "process", t.fit(&p.own, i), i)
	if exit != nil {
		t.out.args(exit, "exe", "ppid", "exit_code", "cpu_ms")
	} else {
		t.out.text("exe", p.exe)
	}
	t.out.end()
}

func (t *Trace) processEnded(p *process) {
	t.executed(p, interval{p.begin, t.last}, nil)
	t.lanes -= len(p.own.list) + len(p.lookups.list) + len(p.failed.list) + len(p.locks.list)
}

// lock draws a wait for a lock.
func (t *Trace) lock(p *process) {
	e := &t.event
	i := before(t.at, millis(e.Get("wait_ms")))
	t.out.span("lock "+cut(path.Base(e.Text("path"))), "lock", t.fit(&p.locks, i), i)
	t.out.args(e, "path", "locked")
	t.out.end()
}

// complaint says what the event complains of.
func (t *Trace) complaint() string {
	e := &t.event
	if reason := e.Text("reason"); reason != "" {
		return reason
	}
	class, detail := scan.Text(e.Within("error", "class")), scan.Text(e.Within("error", "detail"))
	if detail == "" || class == "" {
		return class + detail
	}
	return class + ": " + detail
}
