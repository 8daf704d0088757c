package decoder

import "h2trace/decoder/ktime"

// intake is what a side has still to take: bytes that it held, once more, and then
// those just given.
type intake struct {
	now   ktime.Time // of the call that gives bytes, or makes held ones be taken again
	b     []byte
	again *replay // nil where no bytes are taken again

	// Of the bytes being taken: their time, and whether they are old, see boundaries.
	time ktime.Time
	old  bool
}

// boundaries says where frames are found: at the offset first of the bytes that
// are held. Frames that end before late are old by now: bytes of the other direction
// that came after them may have been decoded already.
type boundaries struct {
	first, late int64
	// anchor is the snapshot that proves the frame at place, nil where none does.
	anchor *Snapshot
	place  int64
}

// replay is bytes that were held and are taken again, the next from first on.
type replay struct {
	boundaries
	held held
	mark int // whose time the next byte has
}

// replays reports whether held bytes are being taken again.
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

// piece returns the next of the bytes that are taken again, of one time.
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

// enter goes from searching to framing. The held bytes are to be taken again.
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

// replay has the held bytes be taken again. When they stop making sense, the rest is
// held for another search.
func (h *side) replay(at ktime.Time, b boundaries) {
	q := h.unhold(b.first)
	h.since = h.at
	h.boundaries = boundaries{}
	if b.first < q.end() {
		h.intake.now, h.intake.again = at, &replay{boundaries: b, held: q}
	}
}
