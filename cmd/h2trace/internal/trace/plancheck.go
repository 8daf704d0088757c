package trace

import (
	"errors"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
)

const (
	// planCheckInterval is how often the plans are looked at.
	planCheckInterval = 100 * time.Millisecond
	// silence is how old a connection is of which one direction should have
	// been seen, as the other was.
	silence = 200 * time.Millisecond
	// firstSocketCheck and lastSocketCheck are the times between two looks at
	// the sockets, which become longer as nothing comes of it.
	firstSocketCheck = 250 * time.Millisecond
	lastSocketCheck  = 30 * time.Second
	// maxSilent bounds the connections that are remembered for each plan.
	maxSilent = 64
)

// suspicious is how much a socket moves in a direction before a probe that has
// not fired is looked into. Handshakes take less; with more, it still takes a
// witness to convict the probe.
var suspicious = [2]uint64{bpf.Send: 4 << 10, bpf.Recv: 16 << 10}

// planCheck verifies plans by use. A probe is believed when it has fired once in
// any process that runs the executable. Until then, when plaintext goes one way
// only on a connection, or sockets move bytes, witnesses are attached where
// plaintext passes whatever the plan says. They cost nothing in a program that
// does not speak TLS, and go when the probe fires; when they see calls that the
// probe does not, function entry and RET take its place.
type planCheck struct {
	collector *bpf.Collector
	processes *processes
	conns     *connTable
	open      *sockets
	msg       *message.Printer

	states  map[*bpf.Executable]*planState
	next    int64 // kernel time of the next look
	read    int64 // kernel time of the latest record
	sockets struct {
		next     int64
		interval time.Duration
	}
	done chan func() // what to do when the work under way is done
	busy bool
}

// planState is what is known of the probes of an executable, by direction.
type planState struct {
	taps   [2]tapState
	silent [2][]string // connections of which the other direction was seen
}

type tapState struct {
	settled bool // it fires, was replaced, or nothing can take its place
	suspect bool
	watched bool
	calls   uint64 // that witnesses saw
	at      int64  // kernel time of when they had seen enough
}

func newPlanCheck(c *bpf.Collector, p *processes, conns *connTable, open *sockets, msg *message.Printer) *planCheck {
	k := &planCheck{
		collector: c, processes: p, conns: conns, open: open, msg: msg,
		states: make(map[*bpf.Executable]*planState),
		done:   make(chan func(), 1),
	}
	k.sockets.interval = firstSocketCheck
	return k
}

// tick looks at the plans when it is time to. idle says that all records are
// read.
func (k *planCheck) tick(idle bool) error {
	now := monotonic()
	if now < k.next {
		return nil
	}
	k.next = now + planCheckInterval.Nanoseconds()
	select {
	case then := <-k.done:
		k.busy = false
		then()
	default:
	}
	k.open.tick(k.read, idle)
	k.processes.lookAgain(now)
	if k.busy {
		return nil
	}
	running := k.processes.running()
	k.learn(running, now)
	for exe, s := range k.states {
		users := usersOf(exe, running)
		if len(users) == 0 {
			continue
		}
		for dir := range s.taps {
			if started, err := k.settle(exe, s, dir, users, now, idle); started || err != nil {
				return err
			}
		}
	}
	k.lookAtSockets(running, now)
	return nil
}

// work runs f beside the reading of records, and then what it returns.
func (k *planCheck) work(f func() (then func())) {
	k.busy = true
	go func() { k.done <- f() }()
}

// wait returns when what was begun is done and told.
func (k *planCheck) wait() {
	if k.busy {
		(<-k.done)()
		k.busy = false
	}
}

// learn takes what the connections tell of the probes.
func (k *planCheck) learn(running []process, now int64) {
	exes := make(map[int]*bpf.Executable, len(running))
	used := make(map[*bpf.Executable]bool, len(running))
	for _, proc := range running {
		exes[proc.pid], used[proc.file] = proc.file, true
		k.state(proc.file, now)
	}
	for _, c := range k.conns.byID {
		if c.plain != nil {
			continue
		}
		if c.exe == nil && (c.closed == nil || c.closed.record.Kind == bpf.KindClose) {
			c.exe = exes[c.meta.PID]
		}
		if s := k.states[c.exe]; s != nil {
			s.hear(c, now)
		}
	}
	for exe := range k.states {
		if !used[exe] && len(k.states) > maxSilent {
			delete(k.states, exe)
		}
	}
}

// state returns what is known of an executable.
func (k *planCheck) state(exe *bpf.Executable, now int64) *planState {
	s := k.states[exe]
	if s == nil {
		s = &planState{}
		for dir := range s.taps {
			s.taps[dir].settled = !k.collector.Replaceable(exe, dir)
		}
		k.states[exe] = s
		k.sockets.interval = firstSocketCheck
		k.sockets.next = min(k.sockets.next, now+firstSocketCheck.Nanoseconds())
	}
	return s
}

// hear takes what a connection tells.
func (s *planState) hear(c *tracedConn, now int64) {
	for dir := range s.taps {
		t := &s.taps[dir]
		heard, other := c.next[dir].offset > 0, c.next[1-dir].offset > 0
		switch {
		case heard:
			t.settled = true
		case t.settled || !other || now-c.since < silence.Nanoseconds():
		case c.silent[dir]:
		default:
			t.suspect, c.silent[dir] = true, true
			if len(s.silent[dir]) < maxSilent {
				s.silent[dir] = append(s.silent[dir], c.meta.Conn)
			}
		}
	}
}

func usersOf(exe *bpf.Executable, running []process) []process {
	var users []process
	for _, proc := range running {
		if proc.file == exe {
			users = append(users, proc)
		}
	}
	return users
}

// lookAtSockets looks whether processes move bytes of which nothing is seen.
func (k *planCheck) lookAtSockets(running []process, now int64) {
	unsure := false
	for _, proc := range running {
		for _, t := range k.states[proc.file].taps {
			unsure = unsure || !t.settled && !t.suspect
		}
	}
	if now < k.sockets.next || !unsure && !k.open.unsure(now) {
		return
	}
	k.sockets.next = now + k.sockets.interval.Nanoseconds()
	k.sockets.interval = min(2*k.sockets.interval, lastSocketCheck)
	k.work(func() func() {
		list, err := k.collector.Sockets()
		at := monotonic()
		return func() {
			k.suspect(running, list)
			if err == nil {
				k.open.looked(list, at)
			}
			k.report(err)
		}
	})
}

// suspect suspects the probes of processes of which a socket has moved much.
func (k *planCheck) suspect(running []process, list []bpf.Socket) {
	moved := make(map[int]bpf.Moved)
	for i := range list {
		m := moved[list[i].PID]
		for dir, n := range list[i].Moved {
			m[dir] = max(m[dir], n)
		}
		moved[list[i].PID] = m
	}
	for _, proc := range running {
		s := k.states[proc.file]
		for dir, n := range moved[proc.pid] {
			if s != nil && n > suspicious[dir] {
				s.taps[dir].suspect = true
			}
		}
	}
}

// report prints an error: what is looked into here is no part of the traffic.
func (k *planCheck) report(err error) {
	if err != nil && !errors.Is(err, bpf.ErrNotAttached) {
		k.msg.Errorf("%v", err)
	}
}
