package trace

import (
	"slices"
	"time"

	"h2trace/decoder/ktime"
)

// answerWait is how long bytes wait for those that they answer. Package flows gives up on what
// a capture lacks before that.
const answerWait = 200 * time.Millisecond

// answers are the connections with bytes that wait for those of the other direction. Only
// captures acknowledge bytes that they do not have; records of the kernel come in order.
type answers struct{ conns []*tracedConn }

// manyAnswers is how many connections may be in answers before those that are finished go. As
// many of a capture are open at once.
const manyAnswers = 1 << 13

// enter is called after a segment.
func (a *answers) enter(c *tracedConn) {
	p := c.wire
	if p.waits || !p.tcp.Waits() {
		return
	}
	if len(a.conns) >= manyAnswers {
		a.conns = slices.DeleteFunc(a.conns, (*tracedConn).finished)
	}
	p.waits = true
	a.conns = append(a.conns, c)
}

// expire decodes what has waited for too long.
func (a *answers) expire(now ktime.Time) {
	list := a.conns
	a.conns = a.conns[:0]
	for _, c := range list {
		p := c.wire
		if p.waits = false; c.finished() {
			continue
		}
		if p.tcp.Release(now, answerWait) {
			for dir := range p.sinks {
				c.leaveOut(dir)
			}
		}
		a.enter(c)
	}
	clear(list[len(a.conns):])
}
