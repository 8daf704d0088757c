//go:build linux

package trace

import (
	"slices"
	"strings"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/goproxy"
	"h2trace/export"
)

// complaints holds what go commands said and is not printed yet, and the version
// control systems that they ran. The zero value is ready.
type complaints struct {
	waiting map[int][]unclassed // by pid
	ran     map[int][]ranVCS    // by the pid of their parent
	runs    map[int]int         // the parents of those that run, by pid
}

// unclassed is a complaint of no known class. The exit code shows whether it stopped
// the command.
type unclassed struct {
	proc  process.Process
	event *export.ProcessError
}

// ranVCS is a process of a version control system.
type ranVCS struct {
	pid  int
	args []string
	code *int // nil while it runs
}

// Bounds on what is kept of one process, and on how many have something kept.
const (
	maxKept     = 16 // of complaints, and of processes that one speaks of
	maxRan      = 32
	maxComplain = 1024
)

// complain prints a complaint of a go command, with the finished exchanges that it is
// about.
func (o *Observer) complain(m *bpf.Message) {
	proc, ok := o.processes.At(m.PID)
	if !ok {
		return
	}
	proc.At = m.Time
	for _, c := range goproxy.ParseComplaints(m.Text, proc.Source.Proxies()) {
		o.conns.endFor(m, &c)
		event := &export.ProcessError{Fetches: o.conns.exchanges.fetches.Of(m.PID, &c)}
		if event.Fetches == nil {
			event.Fetches = o.conns.underWay(m.PID, &c)
		}
		c.Settle(event.Fetches)
		event.Complaint = c
		if c.AtProxy {
			via, _ := proc.Source.HTTPProxies().ForURL(c.URL)
			event.Via = via.URL
		}
		if c.Class == "vcs" {
			event.Processes = o.complaints.of(m.PID, &c)
		}
		if c.Class != goproxy.ClassOther {
			o.processes.Print(&proc, event)
		} else {
			o.complaints.hold(proc, event)
		}
	}
}

func (l *complaints) hold(proc process.Process, event *export.ProcessError) {
	if l.waiting == nil {
		l.waiting = make(map[int][]unclassed)
	}
	if list, known := l.waiting[proc.PID]; (known || len(l.waiting) < maxComplain) && len(list) < maxKept {
		l.waiting[proc.PID] = append(list, unclassed{proc, event})
	}
}

// exec takes that a process executes a version control system, or another program.
func (l *complaints) exec(proc process.Process, args []string) {
	l.forget(proc.PID)
	if args == nil || proc.PPID == 0 || len(l.runs) >= maxComplain {
		return
	}
	if l.runs == nil {
		l.runs, l.ran = make(map[int]int), make(map[int][]ranVCS)
	}
	list := l.ran[proc.PPID]
	if len(list) == maxRan {
		delete(l.runs, list[0].pid)
		list = slices.Delete(list, 0, 1)
	}
	l.runs[proc.PID] = proc.PPID
	l.ran[proc.PPID] = append(list, ranVCS{pid: proc.PID, args: args})
}

// exit takes the end of a process. It returns the complaints that stopped the process.
func (l *complaints) exit(pid, code int) []unclassed {
	for i, one := range l.ran[l.runs[pid]] {
		if one.pid == pid {
			l.ran[l.runs[pid]][i].code = &code
		}
	}
	said := l.waiting[pid]
	l.forget(pid)
	if code == 0 {
		return nil
	}
	return said
}

func (l *complaints) forget(pid int) {
	for _, one := range l.ran[pid] {
		delete(l.runs, one.pid)
	}
	delete(l.runs, pid)
	delete(l.ran, pid)
	delete(l.waiting, pid)
}

// of returns the processes that a complaint is about: those that failed with the
// arguments it names, or else the last one that failed. If no protocol found a
// repository, it returns all that failed, one for each protocol.
func (l *complaints) of(pid int, c *goproxy.Complaint) (list []export.Child) {
	var last *ranVCS
	for i := range l.ran[pid] {
		one := &l.ran[pid][i]
		if one.code == nil || *one.code == 0 {
			continue
		}
		last = one
		if strings.HasSuffix(c.Detail, "protocol found for repository") && len(list) < maxKept {
			list = append(list, export.Child{PID: one.pid, Args: one.args, ExitCode: *one.code})
		}
		if c.Command != "" && strings.HasPrefix(c.Command, strings.Join(one.args, " ")) {
			list = append(list, export.Child{PID: one.pid, Args: one.args, ExitCode: *one.code})
		}
	}
	if list == nil && last != nil && c.Command != "" {
		list = append(list, export.Child{PID: last.pid, Args: last.args, ExitCode: *last.code})
	}
	return list
}

// endFor ends closed connections with an unfinished exchange that a complaint may be
// about. Whoever read from them has given up.
func (t *connTable) endFor(m *bpf.Message, complaint *goproxy.Complaint) {
	t.closing.finish(func(c *tracedConn) bool {
		return c.meta.PID == m.PID && c.end.time() <= m.Time && c.exchanges.cut(complaint) != nil
	})
}

// underWay returns the unfinished exchanges of a process that a complaint is about. The
// go command may report a failure before it closes the connection.
func (t *connTable) underWay(pid int, complaint *goproxy.Complaint) (list []goproxy.Fetch) {
	for _, c := range t.byID {
		if c.meta.PID != pid {
			continue
		}
		if one := c.exchanges.cut(complaint); one != nil {
			list = append(list, *one)
		}
	}
	slices.SortFunc(list, func(a, b goproxy.Fetch) int { return strings.Compare(a.Conn, b.Conn) })
	return list
}
