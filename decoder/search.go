package decoder

const (
	// enoughBits is the evidence that ends a search: by chance it comes
	// together once in 2^56 places.
	enoughBits = 56
	// closingBits is enough when no more bytes can come, and makes a chain
	// the rival of another.
	closingBits = 40
	// edgeBits is what it counts that a frame begins with the first byte
	// after a loss, or ends with the last: records are cut where the
	// program wrote and read, which is where frames begin, mostly.
	edgeBits = 16
	// trustAfter is how many frames must make sense after a search before
	// its result is beyond doubt.
	trustAfter = 32
	// enclosing is where frames away from the edge are first believed: past
	// the end of any frame of default size that the search began in, since
	// its payload may hold an imitation of frames.
	enclosing = minMaxFrameSize
	// credibleBits is what a header must have that could enclose a chain: by
	// chance, many a header seems to begin an enormous frame.
	credibleBits = 25
	// rivalry is how many bytes are awaited for rivals to fail.
	rivalry = 256 << 10
)

// search looks for frame boundaries: for a chain of headers, each where the
// one before says that its frame ends. Every offset may begin a chain. The
// result depends on the bytes alone, not on how they are cut.
type search struct {
	pos     int64   // next offset at which a header is tried
	chains  []chain // by next, at most one each
	bonus   bool    // the first byte is the first after a loss
	skipped int64   // bytes of earlier attempts
	ripe    int64   // 1 + offset at which a chain first had enough evidence
}

// chain is a run of headers that fit together.
type chain struct {
	first int64 // offset of the first header that is still held
	start int64 // offset of the first header
	last  int64 // offset of the last header
	next  int64 // where the next header must be
	bits  int
	count int
	// block is the stream whose field block is open: CONTINUATION must be
	// next (RFC 9113 §6.10).
	block uint32
}

// gather holds the first n of the bytes that came while the boundaries are unknown.
func (h *half) gather(b []byte, p plausible) (n int, e event) {
	n = min(len(b), maxHeld)
	h.hold(h.intake.time, b[:n])
	h.untried = true
	if len(h.snapshots.due) > 0 && h.locate(n, n == len(b), p) {
		return n, found
	}
	return n, dry
}

// seek looks for frame boundaries in the bytes that are held.
func (h *half) seek(p plausible) event {
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

// try looks at each new offset, and returns the chain that has proved itself.
func (h *half) try(p plausible) (*chain, event) {
	s := &h.search
	for ; s.pos+frameHeaderLen <= h.held.end(); s.pos++ {
		if p.undecided && s.skipped+s.pos >= maxSearch {
			return nil, givenUp
		}
		off := s.pos - h.held.base
		raw := h.held.buf[off : off+frameHeaderLen]
		bits, ok := p.evidence(raw)
		extended := h.extend(raw, bits, ok)
		if extended {
			if c := h.winner(); c != nil {
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

// follow moves the chain past the frame of a header.
func (c *chain) follow(at int64, h frameHeader) {
	c.last = at
	c.next = at + frameHeaderLen + int64(h.length)
	switch h.typ {
	case TypeHeaders, TypePushPromise, TypeContinuation:
		if c.block = h.stream; h.flags.Has(FlagEndHeaders) {
			c.block = 0
		}
	}
}

// extend lengthens or ends the chain that expects a header here.
func (h *half) extend(raw []byte, bits int, ok bool) bool {
	s := &h.search
	if len(s.chains) == 0 || s.chains[0].next != s.pos {
		return false
	}
	c := s.chains[0]
	s.chains = append(s.chains[:0], s.chains[1:]...)
	hd := parseHeader(raw)
	continues := hd.typ == TypeContinuation && hd.stream == c.block
	if !ok || (c.block != 0) != continues || (hd.typ == TypeContinuation) != continues {
		return false
	}
	c.bits += bits
	c.count++
	c.follow(s.pos, hd)
	s.insert(c)
	return true
}

// insert adds a chain. Of two that expect the same header the stronger stays,
// and when there are too many the weakest goes.
func (s *search) insert(c chain) {
	i := 0
	for i < len(s.chains) && s.chains[i].next < c.next {
		i++
	}
	if i < len(s.chains) && s.chains[i].next == c.next {
		if c.bits > s.chains[i].bits {
			s.chains[i] = c
		}
		return
	}
	if len(s.chains) == maxChains {
		weakest := 0
		for j := range s.chains {
			if s.chains[j].bits <= s.chains[weakest].bits {
				weakest = j
			}
		}
		if s.chains[weakest].bits > c.bits {
			return
		}
		s.chains = append(s.chains[:weakest], s.chains[weakest+1:]...)
		if weakest < i {
			i--
		}
	}
	s.chains = append(s.chains, chain{})
	copy(s.chains[i+1:], s.chains[i:])
	s.chains[i] = c
}

// winner returns a chain with enough evidence once no other has any claim, or
// the best of several when they have been rivals for long.
func (h *half) winner() *chain {
	s := &h.search
	best := -1
	for i := range s.chains {
		c := &s.chains[i]
		if c.count >= 2 && c.bits >= enoughBits && (best < 0 || c.bits > s.chains[best].bits) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	if s.ripe == 0 {
		s.ripe = s.pos + 1
	}
	c := &s.chains[best]
	if c.last != s.pos {
		return nil // its turn comes with its next header
	}
	if s.pos+1-s.ripe < rivalry {
		edge := s.edge(c)
		if !edge && s.pos < enclosing {
			return nil
		}
		for i := range s.chains {
			r := &s.chains[i]
			if i != best && !edge && r.disputes(c) {
				return nil
			}
		}
	}
	return c
}

// disputes reports whether a chain may be right and another wrong: because the
// other lies inside one of its frames, or because it has evidence of its own
// and does not only seem to lead through an enormous frame.
func (c *chain) disputes(other *chain) bool {
	encloses := c.last < other.start && other.start < c.next
	if encloses && c.bits >= credibleBits {
		return true
	}
	ordinary := c.next-c.last <= minMaxFrameSize+frameHeaderLen
	return c.count >= 2 && c.bits >= closingBits && (ordinary || c.bits >= enoughBits)
}

// settle takes the best chain there is when no more bytes can come.
func (h *half) settle() event {
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

// accept ends the search with a chain, on the evidence of the bytes before proof.
func (h *half) accept(c chain, proof int64) {
	h.trim(proof - maxHeld)
	for i := range h.search.chains {
		if h.search.chains[i].next == c.next {
			c = h.search.chains[i]
		}
	}
	h.boundaries = boundaries{first: c.first, late: proof}
}

// edge reports whether a chain begins with the first byte after a loss.
func (s *search) edge(c *chain) bool { return s.bonus && c.start == 0 }

// believe moves the first frame of a chain to where no payload that the search
// began in can reach.
func (h *half) believe(c *chain) {
	for c.first < enclosing && c.first < c.last {
		at := c.first - h.held.base
		hd := parseHeader(h.held.buf[at : at+frameHeaderLen])
		c.first += frameHeaderLen + int64(hd.length)
	}
}

// trim lets go of bytes before off, and moves the chains that began there to
// their first header that stays.
func (h *half) trim(off int64) {
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
func (h *half) restart() {
	h.search = search{bonus: true, skipped: h.search.skipped + h.held.end()}
	h.held = held{}
}

// fits reports whether the header just read makes sense, during probation.
func (h *half) fits(p plausible) bool {
	_, ok := p.evidence(h.framer.header[:])
	hd := parseHeader(h.framer.header[:])
	return ok && (!h.block.open || hd.typ == TypeContinuation)
}

// unread goes back to searching, from the header that made no sense.
func (h *half) unread() {
	reason := beforeLoss
	if !h.table.complete {
		reason = h.table.reason // nothing more was lost since
	}
	h.unframe()
	h.lose(reason)
	h.search.bonus = false
	h.untried = h.untried || !h.intake.replays()
	h.hold(h.intake.time, h.framer.header[:])
}
