package trace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"h2trace/bpf"
	"h2trace/export"
)

// telling is how much a connection moves, in both directions together, that would
// have been seen.
const telling = 512

// patient is how long a process, or a connection that may be HTTP, is given to be
// understood while it goes on.
const patient = 3 * time.Second

// unsure reports whether there are processes of which nothing is seen by a kernel
// time.
func (w *sockets) unsure(now int64) bool {
	return !w.off && slices.ContainsFunc(w.processes.observed(), func(proc process) bool {
		return now-proc.at >= patient.Nanoseconds() && w.told[proc.pid] != proc.at && !w.conns.saw(proc.pid)
	})
}

// judgeRunning says of which processes nothing is seen, though they speak.
func (w *sockets) judgeRunning(l look) {
	early := make(map[ends]bool)
	for _, c := range w.conns.byID {
		if l.at-c.since < patient.Nanoseconds() {
			early[c.ends()] = true
		}
	}
	l.list = slices.DeleteFunc(l.list, func(s bpf.Socket) bool { return !s.Unix && early[ends{s.Local, s.Remote}] })
	w.judgeAll(l, patient)
}

// judgeAll judges the processes that are as old.
func (w *sockets) judgeAll(l look, age time.Duration) {
	byPID := make(map[int][]bpf.Socket)
	for _, s := range l.list {
		byPID[s.PID] = append(byPID[s.PID], s)
	}
	for _, proc := range w.processes.observed() {
		if l.at-proc.at >= age.Nanoseconds() {
			w.judge(proc, byPID[proc.pid], l.at)
		}
	}
}

// judge says so of one process, once.
func (w *sockets) judge(proc process, list []bpf.Socket, at int64) {
	if w.off || w.told[proc.pid] == proc.at || w.conns.saw(proc.pid) || w.conns.events.Err() != nil {
		return
	}
	if reason := w.unseen(&proc, list); reason != "" {
		w.told[proc.pid] = proc.at
		w.processes.blame(proc, reason, at)
	}
}

// unseen returns why nothing is seen of what a process says on sockets, or "" where
// it says nothing.
func (w *sockets) unseen(proc *process, list []bpf.Socket) string {
	switch at := w.conns.hellos.sent[proc.pid]; {
	case at == 0:
	case proc.file != nil && at < proc.file.Since:
		return "" // its probes came too late, as another message says
	default:
		return "its connections carry TLS that does not pass crypto/tls, as of another library"
	}
	var unix string
	for i := range list {
		s := &list[i]
		if s.Unix && unix == "" && !isOfSystem(s.Name) {
			unix = s.Name
		}
		if s.Unix || s.Remote.Port() == dnsPort || s.Local.Port() == dnsPort {
			continue
		}
		before, _ := w.was(s)
		sent, received := s.Moved[bpf.Send]-before.Moved[bpf.Send], s.Moved[bpf.Recv]-before.Moved[bpf.Recv]
		switch {
		case sent == 0 || received == 0 || sent+received < telling:
		case w.packets:
			return "its connections carry neither HTTP nor TLS of crypto/tls, but another protocol, or what is encrypted otherwise"
		default:
			return "its connections carry no TLS of crypto/tls, and HTTP without TLS is not seen here: see h2trace check"
		}
	}
	if unix == "" {
		return ""
	}
	return fmt.Sprintf("it speaks on Unix sockets (%s), on which nothing but TLS is seen", unix)
}

const dnsPort = 53

// isOfSystem reports whether a Unix socket is one without a name, as between parent
// and child, or of a service that any program may use.
func isOfSystem(name string) bool {
	if name == "" {
		return true
	}
	for _, dir := range []string{"/run/systemd/", "/run/dbus/", "/run/nscd/", "/run/avahi-daemon/"} {
		if strings.HasPrefix(strings.TrimPrefix(name, "/var"), dir) {
			return true
		}
	}
	return strings.HasPrefix(name, "/run/user/") && strings.HasSuffix(name, "/bus")
}

// outcome is what came of attaching to a process, by when that began.
type outcome struct {
	at    int64
	event *export.Process
}

// maxOutcomes bounds how many are kept.
const maxOutcomes = 4096

func (p *processes) remember(proc process, event *export.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.outcomes) >= maxOutcomes {
		clear(p.outcomes)
	}
	p.outcomes[proc.pid] = outcome{proc.at, event}
}

// blame says at a kernel time why nothing is seen of what a process says. It may
// have ended; where it is skipped, the reason for that is the better one. What is
// queued before, such as the attaching, comes first.
func (p *processes) blame(proc process, reason string, at int64) {
	proc.unseen, proc.until = reason, at
	p.queue <- proc
}

func (p *processes) printUnseen(proc process) {
	p.mu.Lock()
	o := p.outcomes[proc.pid]
	p.mu.Unlock()
	if o.event == nil || o.at != proc.at {
		return
	}
	p.msg.Infof("nothing is seen of what process %d (%s) says: %s", proc.pid, proc.exe, proc.unseen)
	event := *o.event
	event.Reason = proc.unseen
	proc.at = proc.until
	p.print(proc, &event)
}
