package decoder

import "h2trace/decoder/ktime"

// intake holds the bytes that a side has not taken yet: first held bytes that are
// replayed, then those just given.
type intake struct {
	now   ktime.Time // of the call that gives bytes, or replays held ones
	b     []byte
	again *replay // nil without a replay

	// The time of the bytes being taken, and whether they are old, see boundaries.
	time ktime.Time
	old  bool
}

// boundaries says that frames begin at the offset first of the held bytes. Frames that
// end before late are old: later bytes of the other direction may be decoded already.
type boundaries struct {
	first, late int64
	// anchor is the snapshot that proves the frame at place, or nil.
	anchor *Snapshot
	place  int64
}

// replay holds bytes that are taken again, from first on.
type replay struct {
	boundaries
	held held
	mark int // index of the mark with the time of the next byte
}

// replays reports whether held bytes are being replayed.
func (in *intake) replays() bool { return in.again != nil }

// advance moves on by n bytes.
func (in *intake) advance(n int) {
	if in.again == nil {
		in.b = in.b[n:]
		return
	}
	if in.again.first += int64(n); in.again.first == in.again.held.end() {
		in.again = nil
	}
}

// piece returns the next replayed bytes that have one time.
func (h *side) piece() []byte {
	in := &h.intake
	r := in.again
	if r.anchor != nil && r.first >= r.place {
		if h.mode == framing {
			h.blocks.snapshots.due = append(h.blocks.snapshots.due, dueSnapshot{Snapshot: *r.anchor})
		}
		r.anchor = nil
	}
	marks, end := r.held.marks, r.held.end()
	for r.mark+1 < len(marks) && marks[r.mark+1].off <= r.first {
		r.mark++
	}
	if r.mark+1 < len(marks) {
		end = min(end, marks[r.mark+1].off)
	}
	if r.anchor != nil {
		end = min(end, r.place)
	}
	if in.old = r.first < r.late; in.old {
		end = min(end, r.late)
	}
	in.time = marks[r.mark].at
	return r.held.buf[r.first-r.held.base : end-r.held.base]
}

// enter goes from searching to framing, and replays the held bytes.
func (h *side) enter(at ktime.Time) {
	if h.boundaries.anchor != nil {
		h.blocks.snapshots.due = nil
	}
	h.found = true
	h.mode = framing
	h.resynced = true
	h.probation = trustAfter
	h.search = search{}
	h.replay(at, h.boundaries)
}

// replay takes the held bytes again. If they stop making sense, it holds the rest for
// another search.
func (h *side) replay(at ktime.Time, b boundaries) {
	q := h.unhold(b.first)
	h.since = h.at
	h.boundaries = boundaries{}
	if b.first < q.end() {
		h.intake.now, h.intake.again = at, &replay{boundaries: b, held: q}
	}
}
