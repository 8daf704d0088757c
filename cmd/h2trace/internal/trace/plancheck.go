package trace

import (
	"errors"
	"math"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/plancheck"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

const (
	// firstSocketCheck and lastSocketCheck bound the time between two looks at the
	// sockets. It grows while the looks find nothing.
	firstSocketCheck = 250 * time.Millisecond
	lastSocketCheck  = 30 * time.Second
	// maxStates bounds the remembered executables that no process runs.
	maxStates = 64
)

// planCheck verifies plans by use. It gives package plancheck the evidence of
// connections and sockets, and carries out its verdicts.
type planCheck struct {
	collector *bpf.Collector
	processes *process.Tracker
	conns     *connTable
	sockets   *sockets
	work      *background
	msg       *message.Printer

	states map[*bpf.Executable]*plancheck.Executable
	// next is the kernel time of the next look at the sockets.
	next     ktime.Time
	interval time.Duration
}

func newPlanCheck(c *bpf.Collector, p *process.Tracker, conns *connTable, s *sockets, work *background, msg *message.Printer) *planCheck {
	return &planCheck{
		collector: c, processes: p, conns: conns, sockets: s, work: work, msg: msg,
		states:   make(map[*bpf.Executable]*plancheck.Executable),
		interval: firstSocketCheck,
	}
}

// tick looks at the plans. readUntil is the kernel time of the latest record, and idle
// says that all records are read.
func (k *planCheck) tick(now, readUntil ktime.Time, idle bool) error {
	if k.work.busy {
		return nil
	}
	if idle {
		readUntil = math.MaxInt64
	}
	running := k.processes.Probed()
	k.hear(running, now)
	for exe, s := range k.states {
		users := usersOf(exe, running)
		if len(users) == 0 {
			continue
		}
		for dir := range s.Probes {
			j := &judged{planCheck: k, exe: exe, state: s, dir: dir, users: users}
			if err := j.carryOut(s.Probes[dir].Next(readUntil), now); err != nil || k.work.busy {
				return err
			}
		}
	}
	k.lookAtSockets(running, now)
	return nil
}

// hear takes the evidence of connections about the probes.
func (k *planCheck) hear(running []process.Process, now ktime.Time) {
	exes := make(map[int]*bpf.Executable, len(running))
	used := make(map[*bpf.Executable]bool, len(running))
	for _, proc := range running {
		exes[proc.PID], used[proc.File] = proc.File, true
		k.enter(proc.File, now)
	}
	for _, c := range k.conns.byID {
		if c.wire != nil {
			continue
		}
		if c.exe == nil && (c.end == nil || closeReported(c.end)) {
			c.exe = exes[c.meta.PID]
		}
		if s := k.states[c.exe]; s != nil {
			s.Hear(evidence(c, now))
		}
	}
	for exe := range k.states {
		if !used[exe] && len(k.states) > maxStates {
			delete(k.states, exe)
		}
	}
}

// evidence returns what a connection shows about the probes.
func evidence(c *tracedConn, now ktime.Time) *plancheck.Conn {
	return &plancheck.Conn{
		Name: c.meta.Conn, Age: now.Sub(c.since),
		Said:   [2]bool{c.next[bpf.Send].offset > 0, c.next[bpf.Recv].offset > 0},
		Silent: &c.silent,
	}
}

// enter enters an executable.
func (k *planCheck) enter(exe *bpf.Executable, now ktime.Time) {
	if k.states[exe] != nil {
		return
	}
	s := &plancheck.Executable{}
	for dir := range s.Probes {
		if !k.collector.Witnesses.Replaceable(exe, dir) {
			s.Probes[dir].Settle()
		}
	}
	k.states[exe] = s
	k.interval = firstSocketCheck
	k.next = min(k.next, now.Add(firstSocketCheck))
}

func usersOf(exe *bpf.Executable, running []process.Process) []process.Process {
	var users []process.Process
	for _, proc := range running {
		if proc.File == exe {
			users = append(users, proc)
		}
	}
	return users
}

// lookAtSockets looks for processes that move bytes without being understood.
func (k *planCheck) lookAtSockets(running []process.Process, now ktime.Time) {
	unsure := false
	for _, proc := range running {
		unsure = unsure || k.states[proc.File].Unsure()
	}
	if now < k.next || !unsure && !k.sockets.unsure(now) {
		return
	}
	k.next = now.Add(k.interval)
	k.interval = min(2*k.interval, lastSocketCheck)
	k.work.run(func() func() {
		list, err := k.collector.Sockets.List()
		at := monotonic()
		return func() {
			k.moved(running, list)
			if err == nil {
				k.sockets.looked(list, at)
			}
			k.report(err)
		}
	})
}

// moved takes how many bytes the sockets of processes have moved.
func (k *planCheck) moved(running []process.Process, list []bpf.Socket) {
	moved := make(map[int]bpf.Moved)
	for i := range list {
		m := moved[list[i].PID]
		for dir, n := range list[i].Moved {
			m[dir] = max(m[dir], n)
		}
		moved[list[i].PID] = m
	}
	for _, proc := range running {
		if s := k.states[proc.File]; s != nil {
			s.Moved(moved[proc.PID])
		}
	}
}

// report prints an error, as it is not about the traffic.
func (k *planCheck) report(err error) {
	if err != nil && !errors.Is(err, bpf.ErrNotAttached) {
		k.msg.Errorf("%v", err)
	}
}
