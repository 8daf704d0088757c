package decoder

import "h2trace/decoder/ktime"

// windowHistory is what is kept while the windows of a connection are not known: what
// became of them in the latest frames, so that a sample of a moment ago can be
// carried forward to now.
type windowHistory struct {
	steps   []step
	next    int
	dropped [2]int64 // by direction, where the last step ended that was forgotten

	estimate [2]windowEstimate // of the connection
	streams  map[uint32]*[2]windowEstimate
	pending  []WindowSample

	// ends are the ends of streams that are not followed.
	ends     []closedStream
	nextEnd  int
	numEnded int64
	// last and sent are the time and place of the last sample, and worse says
	// that others were better than it; complete says that all that it held is known.
	last     ktime.Time
	sent     int64
	worse    bool
	complete bool
}

// step is a frame, by what it did to credit.
type step struct {
	end      int64
	dir      Direction
	credit   Direction // that it changed
	stream   uint32    // 0: of the connection only
	both     bool      // the connection's too
	settings bool
	amount   int64
}

// remember is called for each frame when it has taken effect. end is the place after it,
// and ends says that its field block ends its stream.
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
	r.add(st)
	if s == nil && f.StreamID != 0 {
		r.ended(f, ends)
	}
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

// ended notes the end of a stream that is not followed.
func (r *windowHistory) ended(f *Frame, ends bool) {
	e := closedStream{id: f.StreamID}
	switch {
	case f.Type == TypeRSTStream:
		e.reset[f.Dir] = true
	case f.Type == TypeData && f.Flags.Has(FlagEndStream),
		ends:
		e.ended[f.Dir] = true
	default:
		return
	}
	r.numEnded++
	if len(r.ends) < maxEnds {
		r.ends = append(r.ends, e)
		return
	}
	r.ends[r.nextEnd] = e
	r.nextEnd = (r.nextEnd + 1) % maxEnds
}

// listing returns how many streams that are not followed have ended.
func (w *windows) listing() int64 {
	if w.history == nil {
		return 0
	}
	return w.history.numEnded
}

// lists reports whether the ends since a listing are all known.
func (w *windows) lists(listing int64) bool {
	return w.history == nil || w.history.numEnded-listing <= maxEnds
}

// since returns what frames after the places of a sample did to the credit of a
// stream, or of the connection.
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

// recovering begins to keep what a sample needs. Samples of places to come are
// as good as before; a list of streams from before is not, as some may have ended
// unseen.
func (w *windows) recovering() {
	before := w.history
	w.history = &windowHistory{}
	if before != nil {
		w.history.pending = before.pending
		w.history.numEnded = before.numEnded + maxEnds + 1
	}
}
