//go:build linux

package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// telling is how many bytes a connection moves, in both directions, before it should
// have been understood.
const telling = 512

// patient is how long a process or connection that goes on has to be understood.
const patient = 3 * time.Second

// unsure reports whether nothing was understood of some process by a kernel time.
func (w *sockets) unsure(now ktime.Time) bool {
	return !w.off && slices.ContainsFunc(w.processes.Observed(), func(proc process.Process) bool {
		return now.Sub(proc.At) >= patient && w.told[proc.PID] != proc.At && !w.conns.saw(proc.PID)
	})
}

// judgeRunning reports processes that communicate without being understood.
func (w *sockets) judgeRunning(l *look) {
	early := make(map[endpoints]bool)
	for _, c := range w.conns.byID {
		if l.at.Sub(c.since) < patient {
			early[c.endpoints()] = true
		}
	}
	later := slices.DeleteFunc(slices.Clone(l.list), func(s bpf.Socket) bool { return !s.Unix && early[endpoints{s.Local, s.Remote}] })
	w.judgeAll(&look{at: l.at, list: later}, patient)
}

// judgeAll judges the processes of at least that age.
func (w *sockets) judgeAll(l *look, age time.Duration) {
	byPID := make(map[int][]bpf.Socket)
	for _, s := range l.list {
		byPID[s.PID] = append(byPID[s.PID], s)
	}
	for _, proc := range w.processes.Observed() {
		if l.at.Sub(proc.At) >= age {
			w.judge(proc, byPID[proc.PID], l.at)
		}
	}
}

// judge judges one process, and reports it once.
func (w *sockets) judge(proc process.Process, list []bpf.Socket, at ktime.Time) {
	if w.off || w.told[proc.PID] == proc.At || w.conns.saw(proc.PID) || w.conns.events.Err() != nil {
		return
	}
	if reason := w.unseen(&proc, list); reason != "" {
		w.told[proc.PID] = proc.At
		w.processes.Blame(proc, reason, cmp.Or(w.conns.hellos.sent[proc.PID], at), at)
	}
}

// unseen returns why nothing is understood of the sockets of a process, or "" if they
// are idle.
func (w *sockets) unseen(proc *process.Process, list []bpf.Socket) string {
	switch at := w.conns.hellos.sent[proc.PID]; {
	case at == 0:
	case proc.File != nil && at < proc.File.Since:
		return "" // the events of its connections say so
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

// isOfSystem reports whether a Unix socket has no name, as between parent and child, or
// belongs to a service that any program may use.
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
