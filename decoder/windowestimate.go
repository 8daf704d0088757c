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
func (w *windows) estimate(s *WindowSample) {
	r := w.history
	r.complete, r.worse, r.last, r.sent = true, false, s.Time, s.At[Send]
	for _, d := range []Direction{Send, Recv} {
		if s.Initial[d].Known && !w.initial[d].Known {
			w.recoverInitial(d, s)
		}
		if !s.Conn[d].Known || w.conn[d].Known {
			continue
		}
		e := &r.estimate[d]
		now := s.Conn[d].Bytes + r.since(s, d, 0)
		e.bytes = e.weigh(s.Time, d, now, e.bytes)
		w.settleConn(d, e.enough())
		r.worse = r.worse || e.last != s.Time
	}
	for i := range s.Streams {
		w.estimateStream(s, &s.Streams[i])
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
func (w *windows) settleConn(d Direction, agreed bool) {
	if !agreed {
		w.history.complete = false
		return
	}
	w.conn[d] = Credit{Bytes: w.history.estimate[d].bytes, Known: true}
}

// settleStream does so for a stream.
func (w *windows) settleStream(s *stream, d Direction, agreed bool) {
	if !agreed {
		w.history.complete = false
		return
	}
	s.known[d] = true
	w.highest[d] = max(w.highest[d], s.distance[d])
}

// quiet takes the last sample for enough if nothing was sent for a while after it.
func (w *windows) quiet(now ktime.Time, sent int64) {
	r := w.history
	if r == nil || r.complete || r.worse || r.last == 0 || now.Sub(r.last) < quietTime {
		return
	}
	if sent != r.sent || len(r.pending) > 0 {
		return
	}
	r.complete = true
	for _, d := range []Direction{Send, Recv} {
		if r.estimate[d].last == r.last && !w.conn[d].Known {
			w.settleConn(d, true)
		}
		for id, estimates := range r.streams {
			if s := w.streams.byID[id]; s != nil && estimates[d].last == r.last && !s.known[d] {
				w.settleStream(s, d, true)
			}
		}
	}
}

// recoverInitial takes over the INITIAL_WINDOW_SIZE that governs a direction, and
// what else the side that announced it did.
func (w *windows) recoverInitial(d Direction, s *WindowSample) {
	w.initial[d] = s.Initial[d]
	a := &w.settings[d.other()]
	*a = announced{}
	a.acked[SettingInitialWindowSize] = param{uint32(s.Initial[d].Bytes), true}
	if d == Send {
		a.acked[SettingMaxFrameSize] = param{s.PeerMaxFrame, s.PeerMaxFrame > 0}
	}
}

// estimateStream does what estimate does, for a stream. One that was open before
// it could be followed is from then on.
func (w *windows) estimateStream(s *WindowSample, sample *StreamSample) {
	r := w.history
	st := w.streams.byID[sample.ID]
	if st == nil {
		if st = w.adopt(s, sample); st == nil {
			return
		}
	}
	for _, d := range []Direction{Send, Recv} {
		if st.known[d] || !w.initial[d].Known {
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
		initial := w.initial[d].Bytes
		now := sample.Credit[d].Bytes + r.since(s, d, sample.ID)
		st.distance[d] = e.weigh(s.Time, d, now, st.distance[d]+initial) - initial
		w.settleStream(st, d, e.enough())
		r.worse = r.worse || e.last != s.Time
	}
}

// adopt begins to follow a stream that a sample found open, unless it ended since.
func (w *windows) adopt(s *WindowSample, sample *StreamSample) *stream {
	r := w.history
	if !w.streams.known || !w.lists(s.Listed) || len(w.streams.byID) >= maxStreams || w.streams.recall(sample.ID) != nil {
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
	w.streams.adopt(sample.ID, st)
	if r.streams == nil {
		r.streams = make(map[uint32]*[2]windowEstimate)
	}
	r.streams[sample.ID] = new([2]windowEstimate)
	return st
}
