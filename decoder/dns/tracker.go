package dns

import (
	"net/netip"
	"slices"
	"time"

	"h2trace/decoder/ktime"
)

// Packet is the content of a packet between a process and a name server.
type Packet struct {
	PID           int
	At            ktime.Time
	Sent          bool
	Local, Remote netip.AddrPort
	Socket        uint64
	TCP           bool
	Seq           uint32 // TCP: of the first byte
	Payload       []byte // not kept
	Length        int    // of the whole payload, of which Payload is the beginning
}

// Sink receives the results of a Tracker.
type Sink interface {
	// Query takes a query that was answered, or to which no answer is expected.
	Query(pid int, l *Lookup, q *Query)
	// Failed takes a lookup that ended without an address.
	Failed(pid int, l *Lookup)
}

// Bounds on memory. The Tracker drops the oldest beyond them.
const (
	maxProcesses = 4096
	maxLookups   = 64 // of a process
	maxQueries   = 64 // of a lookup
	maxStreams   = 256
)

// These bound, in this order: the pause of a process between two names of its search
// list, the time until an answer, and the time after a lookup in which a second
// connection to its address counts as its result.
const (
	thinkTime  = time.Second
	answerTime = 30 * time.Second
	freshTime  = 2 * time.Second
)

// Tracker follows the lookups of processes. It is not safe for concurrent use.
type Tracker struct {
	sink    Sink
	lookups int
	byPID   map[int]*process
	streams map[streamKey]*stream
}

type process struct{ open, done []*Lookup }

type streamKey struct {
	socket uint64
	sent   bool
}

// NewTracker returns a Tracker that reports to sink.
func NewTracker(sink Sink) *Tracker {
	return &Tracker{sink: sink, byPID: make(map[int]*process), streams: make(map[streamKey]*stream)}
}

// Packet takes a packet. It skips one that is not DNS.
func (t *Tracker) Packet(p *Packet) {
	if !p.TCP {
		t.message(p, p.Payload)
		return
	}
	key := streamKey{p.Socket, p.Sent}
	s := t.streams[key]
	if s == nil {
		if len(t.streams) >= maxStreams {
			clear(t.streams)
		}
		s = &stream{}
		t.streams[key] = s
	}
	for _, m := range s.segment(p.Seq, p.Payload, p.Length) {
		t.message(p, m)
	}
}

func (t *Tracker) message(p *Packet, b []byte) {
	m, err := parse(b)
	if err != nil || m.response == p.Sent {
		return
	}
	proc := t.byPID[p.PID]
	if proc == nil {
		if !p.Sent || len(t.byPID) >= maxProcesses {
			return
		}
		proc = &process{}
		t.byPID[p.PID] = proc
	}
	if p.Sent {
		t.query(proc, p, m)
	} else {
		t.answer(proc, p, m)
	}
}

// query adds a query to its lookup.
func (t *Tracker) query(proc *process, p *Packet, m *message) {
	q := &Query{Name: m.name, Type: m.kind, Local: p.Local, Server: p.Remote, Start: p.At, id: m.id, socket: p.Socket}
	for _, l := range proc.open {
		if name, ok := l.of(m.name); ok && len(l.queries) < maxQueries {
			l.Name = name
			l.queries = append(l.queries, q)
			l.End = max(l.End, p.At)
			return
		}
	}
	if l := proc.goesOn(q); l != nil {
		l.queries = append(l.queries, q)
		l.End = max(l.End, p.At)
		return
	}
	if len(proc.open) >= maxLookups {
		t.close(p.PID, proc, proc.open[0])
	}
	t.lookups++
	proc.open = append(proc.open, &Lookup{
		ID: t.lookups, Name: m.name, Start: p.At, End: p.At, Server: p.Remote, queries: []*Query{q},
		addrs: make(map[netip.Addr]bool),
	})
}

// goesOn reopens and returns the lookup with an address that a query continues, or
// returns nil. A resolver asks for AAAA after the answer to A if resolv.conf(5) says
// single-request, or if the machine is busy.
func (proc *process) goesOn(q *Query) *Lookup {
	for i, l := range slices.Backward(proc.done) {
		if l.End.Add(thinkTime) >= q.Start && l.lacks(q) {
			proc.done = slices.Delete(proc.done, i, i+1)
			proc.open = append(proc.open, l)
			return l
		}
	}
	return nil
}

// answer finds the query of an answer, by socket, ID, name and type.
func (t *Tracker) answer(proc *process, p *Packet, m *message) {
	for _, l := range proc.open {
		for _, q := range l.queries {
			if q.End != 0 || q.socket != p.Socket || q.id != m.id || q.Name != m.name || q.Type != m.kind {
				continue
			}
			q.End, q.RCode, q.Answers, q.addrs = p.At, m.rcode, m.answers, m.addrs
			l.End, l.RCode, l.Server = p.At, m.rcode, p.Remote
			for _, a := range m.addrs {
				l.addrs[a] = true
			}
			t.sink.Query(p.PID, l, q)
			if len(l.addrs) > 0 && !l.pending() {
				t.close(p.PID, proc, l)
			}
			return
		}
	}
}

// close ends a lookup.
func (t *Tracker) close(pid int, proc *process, l *Lookup) {
	proc.open = slices.DeleteFunc(proc.open, func(o *Lookup) bool { return o == l })
	for _, q := range l.queries {
		if q.End == 0 {
			t.sink.Query(pid, l, q)
		}
	}
	if l.failed() {
		if slices.ContainsFunc(l.queries, func(q *Query) bool { return isAddress(q.Type) }) {
			t.sink.Failed(pid, l)
		}
		return
	}
	if len(proc.done) == maxLookups {
		proc.done = slices.Delete(proc.done, 0, 1)
	}
	proc.done = append(proc.done, l)
}

// Expire ends the lookups whose time is over.
func (t *Tracker) Expire(now ktime.Time) {
	for pid, proc := range t.byPID {
		for _, l := range slices.Clone(proc.open) {
			if l.pending() && l.End.Add(answerTime) > now || l.End.Add(thinkTime) > now {
				continue
			}
			t.close(pid, proc, l)
		}
	}
}

// End ends the lookups of a process that has exited.
func (t *Tracker) End(pid int) {
	proc := t.byPID[pid]
	if proc == nil {
		return
	}
	for len(proc.open) > 0 {
		t.close(pid, proc, proc.open[0])
	}
	delete(t.byPID, pid)
}

// EndAll ends the lookups of all processes.
func (t *Tracker) EndAll() {
	for pid := range t.byPID {
		t.End(pid)
	}
}

// Resolved returns the lookup after which a process connected to addr at the given
// time, and its duration. ok is false when there is none.
func (t *Tracker) Resolved(pid int, addr netip.Addr, at ktime.Time) (l *Lookup, took time.Duration, ok bool) {
	proc := t.byPID[pid]
	if proc == nil {
		return nil, 0, false
	}
	for _, lookups := range [][]*Lookup{proc.open, proc.done} {
		for _, o := range slices.Backward(lookups) {
			took := o.took(at)
			if took <= 0 || !o.addrs[addr.Unmap()] || o.used && o.Start.Add(took+freshTime) < at {
				continue
			}
			o.used = true
			return o, took, true
		}
	}
	return nil, 0, false
}
