package decoder

import (
	"time"

	"h2trace/decoder/ktime"
)

const (
	// agreeSamples is the number of samples that must agree, and agreeTime the least
	// time between the first and the last: no goroutine is between taking credit and
	// writing in all of them, nor for that long.
	agreeSamples = 3
	agreeTime    = 2 * time.Millisecond
	// quietTime is the time without a sent byte after which one sample suffices: by
	// then the process has written what it took or granted.
	quietTime = 20 * time.Millisecond
)

// windowEstimate is a credit on which samples agree so far.
type windowEstimate struct {
	bytes  int64 // of the connection; streams have their own
	agreed int
	since  ktime.Time
	last   ktime.Time // time of the last agreeing sample
}

// estimate carries a sample forward to now, and accepts a credit on which enough samples
// agree.
func (w *windows) estimate(s *WindowSample) {
	r := w.history
	r.complete, r.worse, r.last, r.sent = true, false, s.Time, s.At[Send]
	r.reach(s)
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

// weigh compares the credit of a sample with the agreed one, and returns the better. The
// real credit is never less to send, nor more to receive, than that of a sample.
func (e *windowEstimate) weigh(at ktime.Time, d Direction, now, agreed int64) int64 {
	switch {
	case e.agreed > 0 && now == agreed:
		e.agreed++
		e.last = at
		return agreed
	case e.agreed > 0 && (now < agreed) == (d == Send):
		return agreed // the process took or granted credit, and has not written yet
	}
	e.agreed, e.since, e.last = 1, at, at
	return now
}

func (e *windowEstimate) enough() bool {
	return e.agreed >= agreeSamples && e.last.Sub(e.since) >= agreeTime
}

// settleConn accepts the agreed credit of the connection.
func (w *windows) settleConn(d Direction, agreed bool) {
	if !agreed {
		w.history.complete = false
		return
	}
	w.conn[d] = Credit{Bytes: w.history.estimate[d].bytes, Known: true}
}

// settleStream accepts the agreed credit of a stream.
func (w *windows) settleStream(s *stream, d Direction, agreed bool) {
	if !agreed {
		w.history.complete = false
		return
	}
	s.known[d] = true
	w.raised[d].raise(s)
}

// quiet accepts the last sample if nothing was sent for quietTime after it.
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

// recoverInitial accepts the INITIAL_WINDOW_SIZE that governs a direction, and the other
// SETTINGS of the side that announced it.
func (w *windows) recoverInitial(d Direction, s *WindowSample) {
	w.initial[d] = s.Initial[d]
	a := &w.settings[d.other()]
	*a = announced{}
	a.acked[SettingInitialWindowSize] = param{uint32(s.Initial[d].Bytes), true}
	if d == Send {
		a.acked[SettingMaxFrameSize] = param{s.PeerMaxFrame, s.PeerMaxFrame > 0}
	}
}

// estimateStream does the same for a stream. It begins to follow a stream that was open
// before. A client notes that it has sent END_STREAM only after that frame: a later sample
// may show more ends.
func (w *windows) estimateStream(s *WindowSample, sample *StreamSample) {
	r := w.history
	st := w.streams.byID[sample.ID]
	if st == nil {
		if st = w.adopt(s, sample); st == nil {
			return
		}
	}
	for d, ended := range sample.Ended {
		st.ended[d] = st.ended[d] || ended
	}
	if st.ended[Send] && st.ended[Recv] {
		w.streams.shut(sample.ID, st, nil)
		w.drop(st)
		return
	}
	for _, d := range []Direction{Send, Recv} {
		if st.known[d] || !w.initial[d].Known {
			continue
		}
		estimates := r.streams[sample.ID]
		if estimates == nil {
			continue // its value was lost, not its beginning
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

// adopt begins to follow a stream that is open in a sample, unless it has ended since.
func (w *windows) adopt(s *WindowSample, sample *StreamSample) *stream {
	r := w.history
	if !w.streams.known || !w.lists(s.Listed) || len(w.streams.byID) >= maxStreams {
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
