package decoder

// locate looks for the frame of a snapshot in the held bytes while frame boundaries
// are searched. The last fresh bytes are new. last says that no more bytes of this
// call to Data follow. It reports whether it found the boundaries.
func (h *side) locate(fresh int, last bool, p plausible) bool {
	for i := range h.blocks.snapshots.due {
		s := h.blocks.snapshots.due[i].Snapshot
		if s.StreamID == 0 && (!last || !h.blocks.snapshots.due[i].complete()) {
			continue // the end of the frame may still come
		}
		if off, ok := h.find(&s, fresh, p); ok {
			h.anchor(off, fresh, s, p)
			return true
		}
	}
	return false
}

// find returns the offset of the one frame that ends in the fresh bytes and carries
// the fragment of s. If s names no stream, two such frames are ambiguous: a body can
// contain bytes that look like a frame.
func (h *side) find(s *Snapshot, fresh int, p plausible) (off int64, ok bool) {
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
		if _, ok := p.evidence(raw); !ok || !s.matches(hd, buf[i+frameHeaderLen:end]) {
			continue
		}
		if ok {
			return 0, false
		}
		off, ok = h.held.base+int64(i), true
		if s.StreamID != 0 {
			break // there is only one
		}
	}
	return off, ok
}

// anchor ends the search at a frame that the process itself has seen there. It keeps
// the frames before it if they lead to it from the first byte after the loss;
// otherwise they may be the inside of a payload.
func (h *side) anchor(off int64, fresh int, s Snapshot, p plausible) {
	first := off
	if h.search.bonus && h.held.base == 0 && h.leadsTo(off, p) {
		first = 0
	}
	s.StreamID = parseHeader(h.held.buf[off-h.held.base:]).stream
	h.boundaries = boundaries{first: first, late: h.held.end() - int64(fresh), anchor: &s, place: off}
	h.untried = false
}

// leadsTo reports whether consecutive frames from the first held byte end at off.
func (h *side) leadsTo(off int64, p plausible) bool {
	var c chain
	for c.next < off {
		raw := h.held.buf[c.next:min(c.next+frameHeaderLen, int64(len(h.held.buf)))]
		if len(raw) < frameHeaderLen {
			return false
		}
		hd := parseHeader(raw)
		_, ok := p.evidence(raw)
		continues := hd.typ == TypeContinuation && (hd.stream == c.block || c.next == 0)
		if !ok || (c.block != 0 || hd.typ == TypeContinuation) && !continues {
			return false
		}
		c.follow(c.next, hd)
	}
	return c.next == off && c.block == 0
}
