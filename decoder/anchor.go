package decoder

// locate looks for the frame of a snapshot in the bytes that are held while
// frame boundaries are searched, of which the last fresh have just come. last
// says that no more of the bytes given to Data are to come. It reports whether
// the boundaries are known now.
func (h *half) locate(at int64, fresh int, last bool) bool {
	for i := range h.snapshots.due {
		s := h.snapshots.due[i].Snapshot
		if s.StreamID == 0 && (!last || !h.snapshots.due[i].complete()) {
			continue // the bytes that the frame ends in are not complete
		}
		if off, ok := h.find(&s, fresh); ok {
			h.anchor(at, off, fresh, s)
			return true
		}
	}
	return false
}

// find returns the offset of the one frame that ends in the fresh bytes and
// carries the fragment of s. When s names no stream, two that do so are one too
// many: bodies can hold what looks like a frame.
func (h *half) find(s *Snapshot, fresh int) (off int64, ok bool) {
	buf := h.held.buf
	begin := len(buf) - fresh
	longest := frameHeaderLen + 1 + 5 + int(s.FragmentLength) + 255 // RFC 9113 §6.2, with all it may have
	for i := max(0, begin-longest); i+frameHeaderLen <= len(buf); i++ {
		raw := buf[i : i+frameHeaderLen]
		if Type(raw[3]) != TypeHeaders {
			continue
		}
		hd := parseHeader(raw)
		end := i + frameHeaderLen + int(hd.length)
		if end > len(buf) || end <= begin || s.StreamID != 0 && hd.stream != s.StreamID {
			continue
		}
		if _, plausible := h.conn.evidence(h.dir, raw); !plausible || !s.matches(hd, buf[i+frameHeaderLen:end]) {
			continue
		}
		if ok {
			return 0, false
		}
		off, ok = h.held.base+int64(i), true
		if s.StreamID != 0 {
			break // it comes but once
		}
	}
	return off, ok
}

// anchor ends the search at a frame that the process itself has seen there.
// Frames before it are decoded if they lead to it from the first byte after
// the loss; otherwise they cannot be told from the inside of a payload.
func (h *half) anchor(at, off int64, fresh int, s Snapshot) {
	first := off
	if h.search.bonus && h.held.base == 0 && h.leadsTo(off) {
		first = 0
	}
	h.enter(at, first)
	h.snapshots.due = nil
	late := h.held.end() - int64(fresh)
	q := h.unhold(first)
	h.since = h.at
	h.replayPart(q, first, off, late)
	if h.mode == framing {
		hd := parseHeader(q.buf[off-q.base:])
		s.StreamID = hd.stream
		h.snapshots.due = append(h.snapshots.due, dueSnapshot{Snapshot: s})
	}
	h.replayPart(q, off, q.end(), late)
}

// leadsTo reports whether frames from the first held byte on end where the one
// at off begins.
func (h *half) leadsTo(off int64) bool {
	var c chain
	for c.next < off {
		raw := h.held.buf[c.next:min(c.next+frameHeaderLen, int64(len(h.held.buf)))]
		if len(raw) < frameHeaderLen {
			return false
		}
		hd := parseHeader(raw)
		_, ok := h.conn.evidence(h.dir, raw)
		continues := hd.typ == TypeContinuation && (hd.stream == c.block || c.next == 0)
		if !ok || (c.block != 0 || hd.typ == TypeContinuation) && !continues {
			return false
		}
		c.follow(c.next, hd)
	}
	return c.next == off && c.block == 0
}
