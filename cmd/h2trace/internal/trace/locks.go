//go:build linux

package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// locks holds the threads that wait for a lock, by their ids.
type locks struct {
	waiting map[int]bpf.Lock
	procs   *process.Tracker
}

// maxWaiting bounds them; further ones are not seen.
const maxWaiting = 1 << 12

// take takes that a thread waits, or no longer does.
func (l *locks) take(e *bpf.Lock) {
	begun, known := l.waiting[e.Thread]
	switch {
	case known:
		delete(l.waiting, e.Thread)
		if begun.Inode == e.Inode && !e.Waits && begun.Generation == e.Generation {
			l.print(&begun, e.Time, true)
		}
	case !e.Waits:
		return // it began to wait before it was observed
	}
	if e.Waits && len(l.waiting) < maxWaiting {
		if l.waiting == nil {
			l.waiting = make(map[int]bpf.Lock)
		}
		l.waiting[e.Thread] = *e
	}
}

// end takes the end of a process; it never got what its threads waited for.
func (l *locks) end(pid int, at ktime.Time) {
	for thread, begun := range l.waiting {
		if begun.PID == pid {
			delete(l.waiting, thread)
			l.print(&begun, at, false)
		}
	}
}

// endAll ends the observation.
func (l *locks) endAll(at ktime.Time) {
	for _, begun := range l.waiting {
		l.end(begun.PID, at)
	}
}

func (l *locks) print(begun *bpf.Lock, at ktime.Time, got bool) {
	p, ok := l.procs.At(begun.PID)
	if !ok {
		return
	}
	p.At = at
	l.procs.Print(&p, export.ProcessLock{Path: begun.Path, Waited: at.Sub(begun.Time), Got: got})
}
