package trace

import (
	"slices"
	"time"

	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
)

// closeLinger is how long a closed connection is kept. Another goroutine may still read
// what arrived before the close.
const closeLinger = 200 * time.Millisecond

// closing holds the closed connections that linger.
type closing struct {
	list    []*tracedConn // by time of their close; some may be finished
	waiters waiters       // of them
}

// add takes a connection that begins to linger.
func (l *closing) add(c *tracedConn) {
	l.list = append(l.list, c)
	l.waiters.closed(c)
}

// expire ends the connections that have lingered long enough.
func (l *closing) expire(now ktime.Time) {
	for len(l.list) > 0 && hasLingered(l.list[0].end.time(), now) {
		l.list[0].finish()
		l.list = dropFinished(l.list)
	}
}

// hasLingered reports whether a connection has lingered long enough, or ended before the clock of
// a capture was set back.
func hasLingered(ended, now ktime.Time) bool {
	return ended.Add(closeLinger) < now || now.Add(closeLinger) < ended
}

// repeated finishes the connection on which the same request still waits for a
// response, if there is one. That connection is closed and lingers. Its client has
// repeated the request and been answered, so it expects nothing more. repeated acts at
// once, and not after the call of the decoder, for the order of output: the older
// exchange is printed before the one that repeats it, and that before the frames that
// follow in the same bytes.
func (l *closing) repeated(pid int, e *exchange.Exchange) {
	if over := l.waiters.find(pid, e); over != nil {
		over.finish()
	}
}

// finish ends the selected connections. One that ends may end another: see repeated.
func (l *closing) finish(which func(*tracedConn) bool) {
	for _, c := range l.list {
		if !c.finished() && which(c) {
			c.finish()
		}
	}
	l.list = slices.DeleteFunc(l.list, (*tracedConn).finished)
}

// due reports whether connections of ended processes still lack the close of their
// socket.
func (l *closing) due() bool {
	return slices.ContainsFunc(l.list, func(c *tracedConn) bool {
		return !c.finished() && !closeReported(c.end) && c.event.Remote.IsValid()
	})
}
