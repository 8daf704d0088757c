package decoder

const (
	// enoughBits is the evidence that ends a search. By chance it occurs once in
	// 2^56 offsets.
	enoughBits = 56
	// closingBits is sufficient evidence when no more bytes can come, and makes a
	// chain the rival of another.
	closingBits = 40
	// edgeBits is the evidence of a frame that begins with the first byte after a
	// loss, or ends with the last byte. Records end where the program's reads and
	// writes do, and these are mostly frame boundaries.
	edgeBits = 16
	// trustAfter is the number of plausible frames after a search or GapAtMost that
	// confirm its result.
	trustAfter = 32
	// enclosing is the least offset of frames away from the edge. A search may begin
	// in a frame of default size, whose payload may imitate frames.
	enclosing = minMaxFrameSize
	// credibleBits is the least evidence of a header that may enclose a chain. By
	// chance, many headers seem to begin an enormous frame.
	credibleBits = 25
	// rivalry is the number of bytes in which rivals may still fail.
	rivalry = 256 << 10
)

// search looks for frame boundaries: for a chain of headers, each at the end of the frame
// before. Every offset may begin a chain. The result depends on the bytes alone, not on
// how they are split.
type search struct {
	pos     int64   // next offset to try
	chains  []chain // by next, at most one each
	bonus   bool    // the first byte is the first after a loss
	skipped int64   // bytes of earlier attempts
	ripe    int64   // 1 + offset at which a chain first had enough evidence
}

// gather holds the first n bytes while the boundaries are unknown.
func (h *side) gather(b []byte, p plausible) (n int, e event) {
	n = min(len(b), maxHeld)
	h.hold(h.intake.time, b[:n])
	h.untried = true
	if len(h.blocks.snapshots.due) > 0 && h.locate(n, n == len(b), p) {
		return n, found
	}
	return n, dry
}

// seek looks for frame boundaries in the held bytes.
func (h *side) seek(p plausible) event {
	best, e := h.try(p)
	switch {
	case e != dry:
		return e
	case best != nil:
		if !h.search.edge(best) {
			h.believe(best)
		}
		h.accept(*best, h.search.pos+frameHeaderLen)
		return found
	}
	h.untried = false
	if len(h.held.buf) >= 2*maxHeld {
		h.trim(h.held.end() - maxHeld)
	}
	return dry
}

// try examines each new offset, and returns the chain with enough evidence.
func (h *side) try(p plausible) (*chain, event) {
	s := &h.search
	for ; s.pos+frameHeaderLen <= h.held.end(); s.pos++ {
		if p.undecided && s.skipped+s.pos >= maxSearch {
			return nil, givenUp
		}
		off := s.pos - h.held.base
		raw := h.held.buf[off : off+frameHeaderLen]
		bits, ok := p.evidence(raw)
		extended := s.extend(raw, bits, ok)
		if extended {
			if c := s.winner(); c != nil {
				return c, dry
			}
			continue
		}
		if !ok {
			continue
		}
		hd := parseHeader(raw)
		if hd.typ == TypeContinuation {
			continue
		}
		c := chain{first: s.pos, start: s.pos, count: 1, bits: bits}
		if s.bonus && s.pos == 0 {
			c.bits += edgeBits
		}
		c.follow(s.pos, hd)
		s.insert(c)
	}
	return nil, dry
}

// settle accepts the best chain when no more bytes can come.
func (h *side) settle() event {
	s := &h.search
	var best *chain
	bits := closingBits - 1
	for i := range s.chains {
		c := &s.chains[i]
		n := c.bits
		if c.next == h.held.end() {
			n += edgeBits
		}
		if !s.edge(c) && (c.count < 2 || n < enoughBits) {
			continue
		}
		if n > bits && c.first < h.held.end() {
			best, bits = c, n
		}
	}
	if best == nil {
		return dry
	}
	h.accept(*best, h.held.end())
	return found
}

// accept ends the search with a chain, by the evidence of the bytes before proof.
func (h *side) accept(c chain, proof int64) {
	h.trim(proof - maxHeld)
	for i := range h.search.chains {
		if h.search.chains[i].next == c.next {
			c = h.search.chains[i]
		}
	}
	h.boundaries = boundaries{first: c.first, late: proof}
}

// believe moves the first frame of a chain beyond any payload in which the search began.
func (h *side) believe(c *chain) {
	for c.first < enclosing && c.first < c.last {
		at := c.first - h.held.base
		hd := parseHeader(h.held.buf[at : at+frameHeaderLen])
		c.first += frameHeaderLen + int64(hd.length)
	}
}

// trim drops the bytes before off, and moves chains that began there to their first
// remaining header.
func (h *side) trim(off int64) {
	if off <= h.held.base {
		return
	}
	for i := range h.search.chains {
		c := &h.search.chains[i]
		for c.first < off && c.first < c.next {
			at := c.first - h.held.base
			hd := parseHeader(h.held.buf[at : at+frameHeaderLen])
			c.first += frameHeaderLen + int64(hd.length)
		}
	}
	h.held.drop(off)
}

// restart begins the search again after a loss.
func (h *side) restart() {
	h.search = search{bonus: true, skipped: h.search.skipped + h.held.end()}
	h.held = held{}
}

// fits reports whether the header just read is plausible, during probation.
func (h *side) fits(p plausible) bool {
	_, ok := p.evidence(h.framer.header[:])
	hd := parseHeader(h.framer.header[:])
	return ok && (!h.blocks.block.open || hd.typ == TypeContinuation)
}

// unread goes back to searching, from the implausible header.
func (h *side) unread() {
	reason := beforeLoss
	if !h.blocks.table.complete {
		reason = h.blocks.table.reason // nothing more was lost since
	}
	h.unframe()
	h.lose(reason)
	h.search.bonus = false
	h.untried = h.untried || !h.intake.replays()
	h.hold(h.intake.time, h.framer.header[:])
}
