package decoder

import "h2trace/decoder/ktime"

// windowHistory holds the effects of the latest frames while the windows of a connection
// are unknown. They carry a sample of a moment ago forward to now.
type windowHistory struct {
	steps   []step
	next    int
	dropped [2]int64 // by direction, the end of the last dropped step

	estimate [2]windowEstimate // of the connection
	streams  map[uint32]*[2]windowEstimate
	pending  []WindowSample

	// ends are the latest of the numEnded ends: of followed streams, and of the directions
	// of other streams. handled of them lie before the places of the last sample.
	ends     []closedStream
	nextEnd  int
	numEnded int64
	handled  int64
	// last and sent are the time and place of the last sample. worse says that others
	// were better. complete says that all its credits are known.
	last     ktime.Time
	sent     int64
	worse    bool
	complete bool
}

// step is the effect of a frame on credit.
type step struct {
	end      int64
	dir      Direction
	credit   Direction // the direction of the changed credit
	stream   uint32    // 0: the connection only
	both     bool      // also of the connection
	settings bool
	ends     bool // it is one of windowHistory.ends
	amount   int64
}

// remember adds a frame that has taken effect. end is the place after it, and ends says
// that its field block ends its stream.
func (w *windows) remember(f *Frame, s *stream, end int64, ends bool) {
	r := w.history
	if r == nil {
		return
	}
	st := step{end: end, dir: f.Dir}
	switch f.Type {
	case TypeData:
		st.credit, st.stream, st.both, st.amount = f.Dir, f.StreamID, true, -int64(f.Length)
	case TypeWindowUpdate:
		st.credit, st.stream, st.both, st.amount = f.Dir.other(), f.StreamID, f.StreamID == 0, int64(f.Increment)
	case TypeSettings:
		st.settings = true
	}
	if st.both {
		r.estimate[st.credit].bytes += st.amount
	}
	st.ends = f.StreamID != 0 && r.ended(f, s, ends)
	r.add(st)
}

func (r *windowHistory) add(s step) {
	if len(r.steps) < maxSteps {
		r.steps = append(r.steps, s)
		return
	}
	old := &r.steps[r.next]
	r.dropped[old.dir] = old.end
	*old = s
	r.next = (r.next + 1) % maxSteps
}

// ended remembers the end of a followed stream, or of a direction of another one. It reports
// whether a frame is one.
func (r *windowHistory) ended(f *Frame, s *stream, ends bool) bool {
	e := closedStream{id: f.StreamID}
	switch {
	case f.Type == TypeRSTStream:
		e.reset[f.Dir] = true
	case !ends && (f.Type != TypeData || !f.Flags.Has(FlagEndStream)):
		return false
	case s == nil:
		e.ended[f.Dir] = true
	case s.ended[Send] && s.ended[Recv]:
		e.ended = s.ended
	default:
		return false
	}
	r.numEnded++
	if len(r.ends) < maxEnds {
		r.ends = append(r.ends, e)
		return true
	}
	r.ends[r.nextEnd] = e
	r.nextEnd = (r.nextEnd + 1) % maxEnds
	return true
}

// reach notes how many ends lie before the places of a sample, which it covers.
func (r *windowHistory) reach(s *WindowSample) {
	r.handled = r.numEnded
	for i := range r.steps {
		if st := &r.steps[i]; st.ends && st.end > s.At[st.dir] {
			r.handled--
		}
	}
}

// listing returns the number of ends that the process had handled by the last sample.
// Packets arrive before the process reads them: its streams may include some that have
// ended since.
func (w *windows) listing() int64 {
	if w.history == nil {
		return 0
	}
	return w.history.handled
}

// lists reports whether all ends since a listing are remembered.
func (w *windows) lists(listing int64) bool {
	return w.history == nil || w.history.numEnded-listing <= maxEnds
}

// since returns the effect of the frames after a sample on the credit of a stream, or of
// the connection for stream 0.
func (r *windowHistory) since(s *WindowSample, d Direction, stream uint32) int64 {
	n := int64(0)
	for i := range r.steps {
		st := &r.steps[i]
		if st.end <= s.At[st.dir] || st.credit != d {
			continue
		}
		if stream == 0 && st.both || stream != 0 && st.stream == stream {
			n += st.amount
		}
	}
	return n
}

// recovering begins to keep the effects of frames. Pending samples of later places stay
// valid. A listing of streams from before does not, as some may have ended unseen.
func (w *windows) recovering() {
	before := w.history
	w.history = &windowHistory{}
	if before != nil {
		w.history.pending = before.pending
		w.history.numEnded = before.numEnded + maxEnds + 1
		w.history.handled = w.history.numEnded
	}
}
