//go:build linux

package trace

import (
	"errors"
	"maps"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// sockets compares the sockets of targets, as the kernel lists them, with what was
// seen. Probes and packets show no idle connection, and none that they do not
// understand.
type sockets struct {
	conns     *connTable
	processes *process.Tracker
	packets   bool // are watched
	off       bool // much is not seen on purpose

	before map[uint64]bpf.Socket // were open when h2trace came, by ID
	ended  map[int][]bpf.Socket  // by process, until its exit or exec is read
	dying  map[endpoints]dying   // connect, and their process has just ended
	silent map[socketID]bool     // are printed
	told   map[int]ktime.Time    // when a process began of which nothing is seen
}

// socketID identifies a socket over time: the kernel uses ids again.
type socketID struct {
	id uint64
	endpoints
}

func idOf(s *bpf.Socket) socketID { return socketID{s.ID, endpoints{s.Local, s.Remote}} }

// dying is a socket at the end of its process.
type dying struct {
	socket bpf.Socket
	at     ktime.Time
}

// maxEnded bounds the ended processes whose last sockets are kept.
const maxEnded = 1024

func newSockets(conns *connTable, p *process.Tracker, packets bool) *sockets {
	return &sockets{
		conns: conns, processes: p, packets: packets,
		before: make(map[uint64]bpf.Socket), ended: make(map[int][]bpf.Socket),
		dying:  make(map[endpoints]dying),
		silent: make(map[socketID]bool), told: make(map[int]ktime.Time),
	}
}

// begin takes the sockets from before the observation.
func (w *sockets) begin(list []bpf.Socket) error {
	var err error
	for i := range list {
		s := &list[i]
		w.before[s.ID] = *s
		if !s.Unix {
			err = errors.Join(err, w.conns.kernel.WatchClose(s))
		}
	}
	return err
}

// was returns the state of a socket before the observation, if it existed.
func (w *sockets) was(s *bpf.Socket) (bpf.Socket, bool) {
	before, ok := w.before[s.ID]
	if !ok || before.Local != s.Local || before.Remote != s.Remote {
		return bpf.Socket{}, false
	}
	return before, true
}

// left takes a socket that is open when its process ends or executes another program, or an
// older one that the process closes.
func (w *sockets) left(s *bpf.Socket, at ktime.Time) {
	if before, ok := w.before[s.ID]; ok && s.Closed {
		s.Local, s.Remote = before.Local, before.Remote
		w.printSilent([]bpf.Socket{*s}, at)
		delete(w.before, s.ID)
	}
	if s.Closed {
		return
	}
	if len(w.ended) >= maxEnded && w.ended[s.PID] == nil {
		clear(w.ended)
	}
	w.ended[s.PID] = append(w.ended[s.PID], *s)
}

// take returns the sockets that a process has left at its end, or keeps at an exec.
func (w *sockets) take(pid int) []bpf.Socket {
	list := w.ended[pid]
	delete(w.ended, pid)
	return list
}

// exit judges a process at its end, before its exit is printed.
func (w *sockets) exit(pid int, at ktime.Time) {
	list := w.take(pid)
	if proc, ok := w.processes.At(pid); ok {
		silent := list[:0:0]
		for i := range list {
			if s := &list[i]; w.isConnect(s) {
				w.dying[endpoints{s.Local, s.Remote}] = dying{*s, at}
			} else {
				silent = append(silent, *s)
			}
		}
		w.printSilent(silent, at)
		w.judge(proc, list, at)
		w.conns.left(pid, list)
	}
	delete(w.told, pid)
	w.conns.forget(pid)
}

// isConnect reports whether a socket began to connect during the observation. The
// kernel reports its failed connect when it closes the socket, after the end of the
// process.
func (w *sockets) isConnect(s *bpf.Socket) bool {
	_, before := w.was(s)
	return s.Connecting && !before
}

// connectFailed notes that a failed connect is reported.
func (w *sockets) connectFailed(c *bpf.ConnectFailed) {
	delete(w.dying, endpoints{c.Local, c.Remote})
}

// closesDue reports whether connecting sockets of ended processes still lack their
// close.
func (w *sockets) closesDue() bool { return len(w.dying) > 0 }

// end judges what is left at the end of the observation. All earlier records are read.
func (w *sockets) end(l *look) {
	for _, d := range w.dying {
		w.printSilent([]bpf.Socket{d.socket}, d.at)
	}
	w.printSilent(l.list, l.at)
	w.judgeAll(l, 0)
}

// printSilent prints connections without traffic during the observation.
func (w *sockets) printSilent(list []bpf.Socket, at ktime.Time) {
	if w.off {
		return
	}
	var seen map[endpoints]bool
	for i := range list {
		s := &list[i]
		id := idOf(s)
		before, joined := w.was(s)
		if s.Unix || w.silent[id] || !wasSilent(s, before.Moved) {
			continue
		}
		if seen == nil {
			seen = make(map[endpoints]bool, len(w.conns.byID))
			for _, c := range w.conns.byID {
				seen[c.endpoints()] = true
			}
		}
		if seen[id.endpoints] {
			continue
		}
		w.silent[id] = true
		w.printOne(s, joined, at)
	}
}

// alertSize is more than a close_notify takes (RFC 8446 §6.1). crypto/tls closes a
// connection with one.
const alertSize = 96

// wasSilent reports whether a socket moved no data since before.
func wasSilent(s *bpf.Socket, before bpf.Moved) bool {
	sent := s.Moved[bpf.Send] - before[bpf.Send]
	return s.Moved[bpf.Recv] == before[bpf.Recv] && (sent == 0 || s.Closed && sent < alertSize)
}

func (w *sockets) printOne(s *bpf.Socket, joined bool, at ktime.Time) {
	proc, _ := w.processes.At(s.PID)
	e := export.Conn{Local: s.Local, Remote: s.Remote, Role: roleOf(s.Role), Joined: export.JoinedStart}
	if joined {
		e.Joined = export.JoinedMid
	}
	silent := export.ConnSilent{
		State: export.StateConnected, BytesSent: &s.Moved[bpf.Send], BytesReceived: &s.Moved[bpf.Recv],
	}
	switch {
	case s.Connecting:
		silent.State = export.StateConnecting
	case s.Closed:
		silent.State = export.StateClosed
	}
	if !s.Unix && !s.Connecting {
		silent.Silent = new(min(s.Quiet[bpf.Send], s.Quiet[bpf.Recv]))
		silent.Last = lastMoved(s)
		if s.Moved[bpf.Send] > 0 && s.Moved[bpf.Recv] > 0 {
			silent.OtherWay = new(max(s.Quiet[bpf.Send], s.Quiet[bpf.Recv]))
		}
	}
	if e.Role == decoder.Client {
		silent.Proxy, _, _ = failedDial(&e, proc.Source, "")
	}
	w.conns.events.Conn(export.Meta{Time: at, PID: s.PID, Comm: proc.Comm}, &e, silent)
}

// lastMoved returns the direction that moved data last, or nil.
func lastMoved(s *bpf.Socket) *decoder.Direction {
	sent, received := s.Moved[bpf.Send] > 0, s.Moved[bpf.Recv] > 0
	switch {
	case !sent && !received:
		return nil
	case sent && (!received || s.Quiet[bpf.Send] <= s.Quiet[bpf.Recv]):
		return new(decoder.Send)
	}
	return new(decoder.Recv)
}

// tick forgets the sockets whose failed connect is not reported.
func (w *sockets) tick(read ktime.Time) {
	maps.DeleteFunc(w.dying, func(_ endpoints, d dying) bool { return d.at.Add(closeLinger) < read })
}
