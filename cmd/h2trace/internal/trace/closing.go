package trace

import (
	"slices"
	"time"

	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
)

// closeLinger is how long a closed connection is kept: another goroutine may
// still be reading what had arrived before the close.
const closeLinger = 200 * time.Millisecond

// closing are the connections that are closed and linger.
type closing struct {
	list    []*tracedConn // by time of their close; some may be finished
	waiters waiters       // of them
}

// add takes a connection that begins to linger.
func (l *closing) add(c *tracedConn) {
	l.list = append(l.list, c)
	l.waiters.closed(c)
}

// expire ends the connections whose time to linger is over.
func (l *closing) expire(now ktime.Time) {
	for len(l.list) > 0 && l.list[0].end.time().Add(closeLinger) < now {
		l.list[0].finish()
		l.list = dropFinished(l.list)
	}
}

// repeated finishes the connection, if there is one, on which the request of an
// exchange still waits for a response. It was closed and lingers; as its client has
// sent the request again, and been answered, it expects nothing of it any more. The
// connection is finished at once, and not after the call: its exchange is printed
// before the one that repeats it, which is printed before the frames that follow in
// the same bytes.
func (l *closing) repeated(pid int, e *exchange.Exchange) {
	if over := l.waiters.find(pid, e); over != nil {
		over.finish()
	}
}

// finish ends those of the connections that linger. One that ends may end another
// (see repeated).
func (l *closing) finish(which func(*tracedConn) bool) {
	for _, c := range l.list {
		if !c.finished() && which(c) {
			c.finish()
		}
	}
	l.list = slices.DeleteFunc(l.list, (*tracedConn).finished)
}

// due reports whether there are connections of processes that ended whose
// sockets are not reported as closed.
func (l *closing) due() bool {
	return slices.ContainsFunc(l.list, func(c *tracedConn) bool {
		return !c.finished() && !closeReported(c.end) && c.event.Remote.IsValid()
	})
}
