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

// exitLinger is how long a connection is kept whose process has ended, and whose close is not
// reported. The kernel passes what TCP sends for a process in the second after its end.
const exitLinger = time.Second + closeLinger

// closing holds the closed connections that linger.
type closing struct {
	list    []*tracedConn // by time of their close; some may be finished
	left    []*tracedConn // by ended processes; the close of some is reported, and some may be finished
	waiters waiters       // of them
}

// add takes a connection that begins to linger.
func (l *closing) add(c *tracedConn) {
	if closeReported(c.end) {
		l.list = append(l.list, c)
	} else {
		l.left = append(l.left, c)
	}
	l.waiters.closed(c)
}

// reported takes that the kernel has closed a connection whose process has ended.
func (l *closing) reported(c *tracedConn) { l.list = append(l.list, c) }

// expire ends the connections that have lingered long enough.
func (l *closing) expire(now ktime.Time) {
	l.list = expire(l.list, now, closeLinger)
	l.left = expire(l.left, now, exitLinger)
}

// expire ends those of list that have lingered long enough, or ended before the clock of a
// capture was set back, and drops them.
func expire(list []*tracedConn, now ktime.Time, linger time.Duration) []*tracedConn {
	for list = dropFinished(list); len(list) > 0; list = dropFinished(list) {
		ended := list[0].end.time()
		if ended.Add(linger) >= now && now.Add(linger) >= ended {
			break
		}
		list[0].finish()
	}
	return list
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
	for _, list := range []*[]*tracedConn{&l.list, &l.left} {
		for _, c := range *list {
			if !c.finished() && which(c) {
				c.finish()
			}
		}
		*list = slices.DeleteFunc(*list, (*tracedConn).finished)
	}
}

// due reports whether connections of ended processes still lack the close of their
// socket, and whether TCP has, or may have, more to send on one of them.
func (l *closing) due() (closes, data bool) {
	for _, c := range l.left {
		if !c.finished() && !closeReported(c.end) && c.event.Remote.IsValid() {
			closes = true
			data = data || c.mayBeUnsent()
		}
	}
	return closes, data
}

// mayBeUnsent reports whether TCP has more to send on a connection whose process has ended.
// That is not known of one that an exec has closed, or the process itself before its end.
func (c *tracedConn) mayBeUnsent() bool {
	if c.leftPath == nil {
		return c.wire != nil
	}
	return c.leftPath.Unsent > 0
}
