//go:build linux

package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
)

const (
	// firstLook and lastLook bound the time between two looks at the sockets. It grows
	// from look to look.
	firstLook = 250 * time.Millisecond
	lastLook  = 30 * time.Second
)

// look is a list of sockets, which the kernel made between two times.
type look struct {
	begin, at ktime.Time
	list      []bpf.Socket
}

// lookAt lists sockets, with the times.
func lookAt(list func() ([]bpf.Socket, error)) (*look, error) {
	begin := monotonic()
	sockets, err := list()
	return &look{begin, monotonic(), sockets}, err
}

// looks lists the sockets of targets in the background, now and then.
type looks struct {
	list     func() ([]bpf.Socket, error)
	msg      *message.Printer
	work     *background
	latest   *look // until all earlier records are read
	next     ktime.Time
	interval time.Duration
}

func newLooks(list func() ([]bpf.Socket, error), msg *message.Printer) *looks {
	return &looks{list: list, msg: msg, work: newBackground(), interval: firstLook}
}

// soon has the next look come soon.
func (l *looks) soon(now ktime.Time) {
	l.interval = firstLook
	l.next = min(l.next, now.Add(firstLook))
}

// due reports whether it is time for a look.
func (l *looks) due(now ktime.Time) bool { return !l.work.busy && now >= l.next }

// begin begins a look.
func (l *looks) begin(now ktime.Time) {
	l.next = now.Add(l.interval)
	l.interval = min(2*l.interval, lastLook)
	l.work.run(func() func() {
		one, err := lookAt(l.list)
		return func() {
			if err != nil {
				l.msg.Errorf("%v", err)
				return
			}
			l.latest = one
		}
	})
}

// take returns a look, or nil, once the records up to its time are read. idle says that
// all were read after the previous call.
func (l *looks) take(read ktime.Time, idle bool) *look {
	if one := l.latest; one != nil && (idle || read > one.at) {
		l.latest = nil
		return one
	}
	l.work.poll()
	return nil
}
