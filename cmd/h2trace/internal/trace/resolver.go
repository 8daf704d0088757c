package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder"
	"h2trace/decoder/dns"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// resolver follows the name lookups of processes. It prints queries, and failures from
// before a connection exists. It is the dns.Sink of its tracker.
type resolver struct {
	events  *export.JSONL
	tracker *dns.Tracker
	comms   map[int]string // of the processes that resolve names
	// sourceOf returns where a process fetches from.
	sourceOf func(pid int) *fetchenv.Source
	leaving  map[int]leaver
}

// leaver is a process that has exited. The kernel closes its sockets after it reports
// the exit, so pending connects fail later.
type leaver struct {
	at     ktime.Time
	source *fetchenv.Source
}

// leaveLinger is how long a process is remembered after its exit.
const leaveLinger = 100 * time.Millisecond

func newResolver(events *export.JSONL, sourceOf func(pid int) *fetchenv.Source) *resolver {
	n := &resolver{events: events, comms: make(map[int]string), sourceOf: sourceOf, leaving: make(map[int]leaver)}
	n.tracker = dns.NewTracker(n)
	return n
}

func (n *resolver) packet(d *bpf.DNS) {
	if l, ok := n.leaving[d.PID]; ok && l.at < d.Time {
		n.end(d.PID) // which another process is now
	}
	n.comms[d.PID] = d.Comm
	n.tracker.Packet(&dns.Packet{
		PID: d.PID, At: d.Time, Sent: d.Dir == bpf.Send, Local: d.Local, Remote: d.Remote,
		Socket: d.Socket, TCP: d.TCP, Seq: d.Seq, Payload: d.Payload, Length: d.Length,
	})
}

// leave takes the exit of a process.
func (n *resolver) leave(pid int, at ktime.Time) {
	n.leaving[pid] = leaver{at, n.sourceOf(pid)}
}

// end ends the lookups of a process.
func (n *resolver) end(pid int) {
	n.tracker.End(pid)
	delete(n.comms, pid)
	delete(n.leaving, pid)
}

// expire ends lookups that nothing more is expected of.
func (n *resolver) expire(now ktime.Time) {
	n.tracker.Expire(now)
	for pid, l := range n.leaving {
		if l.at.Add(leaveLinger) < now {
			n.end(pid)
		}
	}
}

// source returns where a process fetches from, even after its exit.
func (n *resolver) source(pid int) *fetchenv.Source {
	if l, ok := n.leaving[pid]; ok {
		return l.source
	}
	return n.sourceOf(pid)
}

// resolved adds the name of the peer to a connection that the process began to connect
// at the given time.
func (n *resolver) resolved(e *export.Conn, pid int, at ktime.Time) {
	l, took, ok := n.tracker.Resolved(pid, e.Remote.Addr(), at)
	if !ok {
		return
	}
	e.Name, e.DNS = l.Name, &took
}

// Query implements dns.Sink.
func (n *resolver) Query(pid int, _ *dns.Lookup, q *dns.Query) {
	e := export.Conn{
		Local: q.Local, Remote: q.Server, Role: decoder.Client, Protocol: export.ProtocolDNS,
		Name: q.Name,
	}
	at := q.Start
	if q.End != 0 {
		at = q.End
		e.DNS = elapsed(q.Start, q.End)
	}
	n.events.Conn(n.at(pid, n.comms[pid], at), &e, export.ConnDNS{Type: q.Type, RCode: q.RCode, Answers: q.Answers})
}

// Failed implements dns.Sink.
func (n *resolver) Failed(pid int, l *dns.Lookup) {
	detail := "no answer from " + l.Server.String()
	switch l.RCode {
	case "":
	case "NOERROR":
		detail = "no addresses, says " + l.Server.String()
	default:
		detail = l.RCode + " from " + l.Server.String()
	}
	e := export.Conn{Role: decoder.Client, Name: l.Name, DNS: elapsed(l.Start, l.End)}
	failed := export.ConnFailed{Error: &exchange.Error{Class: exchange.ClassDNS, Detail: detail}}
	failed.Proxy, failed.Next, failed.Barred = failedDial(&e, n.source(pid), e.Name)
	n.events.Conn(n.at(pid, n.comms[pid], l.End), &e, failed)
}

// connectFailed prints a failed connect.
func (n *resolver) connectFailed(c *bpf.ConnectFailed) {
	e := export.Conn{Local: c.Local, Remote: c.Remote, Role: decoder.Client, Connect: elapsed(c.Start, c.Time)}
	detail := "given up by the process"
	switch {
	case c.Errno != 0:
		detail = errnoText(c.Errno)
	case c.Unsent:
		e.Connect, detail = nil, "nothing was sent: no route, or this host does not allow it"
	}
	n.resolved(&e, c.PID, c.Start)
	failed := export.ConnFailed{Error: &exchange.Error{Class: exchange.ClassConnect, Detail: detail}}
	failed.Proxy, failed.Next, failed.Barred = failedDial(&e, n.source(c.PID), e.Name)
	n.events.Conn(n.at(c.PID, c.Comm, c.Time), &e, failed)
}

// failedDial returns the proxy that a failed connection was meant for. For an HTTP
// proxy, it sets e.Via. For a proxy in GOPROXY, it returns the values of
// export.ConnFailed.
func failedDial(e *export.Conn, s *fetchenv.Source, name string) (proxy, next, barred string) {
	if via, ok := s.HTTPProxies().At(e.Remote, name); ok {
		e.Via = via.URL
		return "", "", ""
	}
	return s.ProxyAt(e.Remote, name)
}

func (n *resolver) at(pid int, comm string, at ktime.Time) export.Meta {
	return export.Meta{Time: at, PID: pid, Comm: comm}
}
