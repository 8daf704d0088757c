package decoder

import (
	"time"

	"h2trace/decoder/ktime"
)

const (
	// agreeSamples is how many samples must say the same, and agreeTime how
	// long it takes them: no goroutine is between taking credit and writing
	// each time, nor for that long.
	agreeSamples = 3
	agreeTime    = 2 * time.Millisecond
	// quietTime is how long nothing may be sent after a sample for it to be
	// enough: what was taken or granted would have been written by then.
	quietTime = 20 * time.Millisecond
)

// windowEstimate is a credit that samples agree on so far.
type windowEstimate struct {
	bytes  int64 // of the connection; a stream has its own
	agreed int
	since  ktime.Time
	last   ktime.Time // when one last agreed
}

// estimate carries a sample forward to now, and takes over what enough of them
// agree on.
func (c *Conn) estimate(s *WindowSample) {
	r := c.history
	r.complete, r.worse, r.last, r.sent = true, false, s.Time, s.At[Send]
	for _, d := range []Direction{Send, Recv} {
		if s.Initial[d].Known && !c.credits.initial[d].Known {
			c.recoverInitial(d, s)
		}
		if !s.Conn[d].Known || c.credits.conn[d].Known {
			continue
		}
		e := &r.estimate[d]
		now := s.Conn[d].Bytes + r.since(s, d, 0)
		e.bytes = e.weigh(s.Time, d, now, e.bytes)
		c.settleConn(d, e.enough())
		r.worse = r.worse || e.last != s.Time
	}
	for i := range s.Streams {
		c.estimateStream(s, &s.Streams[i])
	}
}

// weigh compares what a sample comes to with the credit that others agreed on,
// and returns the better of the two. There is never less to send, nor more to
// receive, than a sample says.
func (e *windowEstimate) weigh(at ktime.Time, d Direction, now, agreed int64) int64 {
	switch {
	case e.agreed > 0 && now == agreed:
		e.agreed++
		e.last = at
		return agreed
	case e.agreed > 0 && (now < agreed) == (d == Send):
		return agreed // credit was taken or granted, and not written yet
	}
	e.agreed, e.since, e.last = 1, at, at
	return now
}

func (e *windowEstimate) enough() bool {
	return e.agreed >= agreeSamples && e.last.Sub(e.since) >= agreeTime
}

// settleConn takes over what samples agree on for the connection, if they do.
func (c *Conn) settleConn(d Direction, agreed bool) {
	if !agreed {
		c.history.complete = false
		return
	}
	c.credits.conn[d] = Credit{Bytes: c.history.estimate[d].bytes, Known: true}
}

// settleStream does so for a stream.
func (c *Conn) settleStream(s *stream, d Direction, agreed bool) {
	if !agreed {
		c.history.complete = false
		return
	}
	s.known[d] = true
	c.credits.highest[d] = max(c.credits.highest[d], s.distance[d])
}

// Quiet says that the directions have been fed all that went until now. The last
// sample is enough if nothing was sent since for a while.
func (c *Conn) Quiet(now ktime.Time) {
	r := c.history
	if r == nil || r.complete || r.worse || r.last == 0 || now.Sub(r.last) < quietTime {
		return
	}
	if h := &c.sides[Send]; h.mode != framing || h.at != r.sent || len(r.pending) > 0 {
		return
	}
	r.complete = true
	for _, d := range []Direction{Send, Recv} {
		if r.estimate[d].last == r.last && !c.credits.conn[d].Known {
			c.settleConn(d, true)
		}
		for id, estimates := range r.streams {
			if s := c.streams[id]; s != nil && estimates[d].last == r.last && !s.known[d] {
				c.settleStream(s, d, true)
			}
		}
	}
}

// recoverInitial takes over the INITIAL_WINDOW_SIZE that governs a direction, and
// what else the side that announced it did.
func (c *Conn) recoverInitial(d Direction, s *WindowSample) {
	c.credits.initial[d] = s.Initial[d]
	a := &c.announced[d.other()]
	*a = announced{}
	a.acked[SettingInitialWindowSize] = param{uint32(s.Initial[d].Bytes), true}
	if d == Send {
		a.acked[SettingMaxFrameSize] = param{s.PeerMaxFrame, s.PeerMaxFrame > 0}
	}
}

// estimateStream does what estimate does, for a stream. One that was open before
// it could be followed is from then on.
func (c *Conn) estimateStream(s *WindowSample, sample *StreamSample) {
	r := c.history
	st := c.streams[sample.ID]
	if st == nil {
		if st = c.adopt(s, sample); st == nil {
			return
		}
	}
	for _, d := range []Direction{Send, Recv} {
		if st.known[d] || !c.credits.initial[d].Known {
			continue
		}
		estimates := r.streams[sample.ID]
		if estimates == nil {
			continue // it lost its value, not its beginning
		}
		if !sample.Credit[d].Known {
			r.complete, r.worse = false, true
			continue
		}
		e := &estimates[d]
		initial := c.credits.initial[d].Bytes
		now := sample.Credit[d].Bytes + r.since(s, d, sample.ID)
		st.distance[d] = e.weigh(s.Time, d, now, st.distance[d]+initial) - initial
		c.settleStream(st, d, e.enough())
		r.worse = r.worse || e.last != s.Time
	}
}

// adopt begins to follow a stream that a sample found open, unless it ended since.
func (c *Conn) adopt(s *WindowSample, sample *StreamSample) *stream {
	r := c.history
	if !c.roleKnown() || !c.Lists(s.Listed) || len(c.streams) >= maxStreams || c.recall(sample.ID) != nil {
		return nil
	}
	st := &stream{ended: sample.Ended}
	for i := range r.ends {
		e := &r.ends[i]
		if e.id != sample.ID {
			continue
		}
		if e.reset != [2]bool{} {
			return nil
		}
		st.ended[Send] = st.ended[Send] || e.ended[Send]
		st.ended[Recv] = st.ended[Recv] || e.ended[Recv]
	}
	if st.ended[Send] && st.ended[Recv] {
		return nil
	}
	if c.streams == nil {
		c.streams = make(map[uint32]*stream)
	}
	c.streams[sample.ID] = st
	if r.streams == nil {
		r.streams = make(map[uint32]*[2]windowEstimate)
	}
	r.streams[sample.ID] = new([2]windowEstimate)
	by := c.initiator(sample.ID)
	c.active[by]++
	c.lastID[by] = max(c.lastID[by], sample.ID)
	return st
}
