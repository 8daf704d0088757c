package decoder

// chain is a run of consecutive frame headers.
type chain struct {
	first int64 // offset of the first header still held
	start int64 // offset of the first header
	last  int64 // offset of the last header
	next  int64 // offset of the next header
	bits  int
	count int
	// block is the stream whose field block is open: CONTINUATION must be
	// next (RFC 9113 §6.10).
	block uint32
}

// follow moves the chain past a frame.
func (c *chain) follow(off int64, h frameHeader) {
	c.last = off
	c.next = off + frameHeaderLen + int64(h.length)
	switch h.typ {
	case TypeHeaders, TypePushPromise, TypeContinuation:
		if c.block = h.stream; h.flags.Has(FlagEndHeaders) {
			c.block = 0
		}
	}
}

// extend adds a header to the chain that expects one here, or ends that chain.
func (s *search) extend(raw []byte, bits int, ok bool) bool {
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

// insert adds a chain. Of two chains that expect the same header it keeps the stronger;
// beyond maxChains it drops the weakest.
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

// winner returns a chain with enough evidence if no other chain disputes it, or the best
// one of several long-standing rivals.
func (s *search) winner() *chain {
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
		return nil // wait for its next header
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

// disputes reports whether a chain may be right and another wrong: the other lies inside
// one of its frames, or the chain has evidence of its own besides one enormous frame.
func (c *chain) disputes(other *chain) bool {
	encloses := c.last < other.start && other.start < c.next
	if encloses && c.bits >= credibleBits {
		return true
	}
	ordinary := c.next-c.last <= minMaxFrameSize+frameHeaderLen
	return c.count >= 2 && c.bits >= closingBits && (ordinary || c.bits >= enoughBits)
}

// edge reports whether a chain begins with the first byte after a loss.
func (s *search) edge(c *chain) bool { return s.bonus && c.start == 0 }
