package ktime

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Clock converts times to wall times. Times keep their order. They keep their distances, too, but
// where Set says that the wall clock was set. Copies of a Clock are one clock, which is safe for
// concurrent use. For the zero Clock, time 0 is the Unix epoch, and it cannot be set.
type Clock struct {
	spans *atomic.Pointer[[]span] // by their from; at least one
}

// span says which wall times the times have from one on. Before until, wall time passes half as
// fast as time.
type span struct {
	from, until Time
	wall        int64 // Unix nanoseconds of from
	zero        int64 // Unix nanoseconds of time 0, by what follows until
}

// maxSpans bounds how often the clock is set. After that, the oldest times have the wall times of
// those that follow them.
const maxSpans = 64

// NewClock returns the Clock that converts the time at to the wall time wall.
func NewClock(at Time, wall time.Time) Clock {
	c := Clock{new(atomic.Pointer[[]span])}
	c.spans.Store(&[]span{{from: math.MinInt64, until: math.MinInt64, zero: wall.UnixNano() - int64(at)}})
	return c
}

// Set says that at a time, not before those of earlier calls, the wall clock shows wall. If that is
// earlier than before, wall times do not go back: they pass half as fast until they agree with the
// wall clock, as those of adjtime(3) do. Set is for one goroutine.
func (c Clock) Set(at Time, wall time.Time) {
	if c.spans == nil {
		return
	}
	now, until := c.wall(at), at
	set := wall.UnixNano()
	if set < now {
		until = at.Add(2 * time.Duration(now-set))
	}
	spans := append(slices.Clone(*c.spans.Load()), span{from: at, until: until, wall: now, zero: set - int64(at)})
	spans = spans[max(0, len(spans)-maxSpans):]
	c.spans.Store(&spans)
}

// Off returns by how much the wall clock was set since the last call of Set, or NewClock, where it
// shows wall at a time.
func (c Clock) Off(at Time, wall time.Time) time.Duration {
	zero := int64(0)
	if c.spans != nil {
		spans := *c.spans.Load()
		zero = spans[len(spans)-1].zero
	}
	return time.Duration(wall.UnixNano() - int64(at) - zero)
}

// Wall returns the wall time of a time.
func (c Clock) Wall(t Time) time.Time { return time.Unix(0, c.wall(t)) }

func (c Clock) wall(t Time) int64 {
	if c.spans == nil {
		return int64(t)
	}
	spans := *c.spans.Load()
	i := len(spans) - 1
	for i > 0 && t < spans[i].from {
		i--
	}
	if s := &spans[i]; t >= s.from && t < s.until {
		return s.wall + int64(t-s.from)/2
	}
	return spans[i].zero + int64(t)
}

// Time returns the time of a wall time. Where the clock was set forward, no time has some of them:
// then it is when that was.
func (c Clock) Time(wall time.Time) Time {
	n := wall.UnixNano()
	if c.spans == nil {
		return Time(n)
	}
	spans := *c.spans.Load()
	i := len(spans) - 1
	for i > 0 && n < spans[i].wall {
		i--
	}
	s := &spans[i]
	t := Time(n - s.zero)
	if s.until > s.from && t < s.until {
		t = s.from.Add(2 * time.Duration(n-s.wall))
	}
	if i > 0 {
		t = max(t, s.from)
	}
	return t
}
