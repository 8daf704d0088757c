package decoder

// intake is what a half has still to take: bytes that it held, once more, and then
// those just given.
type intake struct {
	now int64 // of the call that gives bytes, or makes held ones be taken again
	b   []byte

	again held
	off   int64 // the next of again
	mark  int   // whose time that byte has
	late  int64 // those before are older than some that are decoded already
	// anchor is due from place on, where its frame begins.
	anchor *Snapshot
	place  int64

	// Of the next bytes: their time, and whether they are before late.
	time int64
	old  bool
}

// boundaries says where frames are found: at the offset first of the bytes that
// are held. Frames that end before late are old by now: bytes of the other direction
// that came after them may have been decoded already.
type boundaries struct {
	first, late int64
	// anchor is the snapshot that proves a frame at place.
	anchor *Snapshot
	place  int64
}

// replays reports whether held bytes are being taken again.
func (in *intake) replays() bool { return in.off < in.again.end() }

// advance moves on by n bytes.
func (in *intake) advance(n int) {
	switch {
	case !in.replays():
		in.b = in.b[n:]
	case in.off+int64(n) == in.again.end():
		in.again, in.off, in.mark, in.late = held{}, 0, 0, 0
	default:
		in.off += int64(n)
	}
}

// piece returns the next of the bytes that are taken again, of one time.
func (h *half) piece() []byte {
	in := &h.intake
	if in.anchor != nil && in.off >= in.place {
		if h.mode == framing {
			h.snapshots.due = append(h.snapshots.due, dueSnapshot{Snapshot: *in.anchor})
		}
		in.anchor = nil
	}
	marks := in.again.marks
	for in.mark+1 < len(marks) && marks[in.mark+1].off <= in.off {
		in.mark++
	}
	end := in.again.end()
	if in.mark+1 < len(marks) {
		end = min(end, marks[in.mark+1].off)
	}
	if in.anchor != nil {
		end = min(end, in.place)
	}
	if in.old = in.off < in.late; in.old {
		end = min(end, in.late)
	}
	in.time = marks[in.mark].at
	return in.again.buf[in.off-in.again.base : end-in.again.base]
}

// enter goes from searching to framing. The held bytes are to be taken again.
func (h *half) enter(at int64) {
	e := h.boundaries
	if e.anchor != nil {
		h.snapshots.due = nil
	}
	h.found = true
	h.mode = framing
	h.resynced = true
	h.probation = trustAfter
	h.search = search{}
	h.replay(at, e)
}

// replay has the held bytes be taken again. When they stop making sense, the rest is
// held for another search.
func (h *half) replay(at int64, e boundaries) {
	q := h.unhold(e.first)
	h.since = h.at
	if e.first == q.end() {
		return
	}
	in := &h.intake
	in.now = at
	in.again, in.off, in.mark = q, e.first, 0
	in.late, in.anchor, in.place = e.late, e.anchor, e.place
}
