package tls

import (
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// search begins to look for a record that opens. The number of the Reader, if there is
// one, is that of the first record that is missing.
func (s *side) search() {
	s.state, s.scanned, s.passed = searching, 0, 0
	s.places.clear()
	s.may.wipe(s.reader)
	s.sure = s.reader != nil && !s.joined
	s.deaf, s.begun = true, true
}

// broken takes what precedes a hole. length is that of the record that begins there, 0
// if it is not known. It reports whether there is a hole.
func (c *Conn) broken(s *side, length int) bool {
	hole := s.queue.hole()
	if hole == 0 {
		return false
	}
	have := s.queue.run
	s.lost += int64(have) + hole
	at := s.queue.takeHole()
	rest := int64(length-have) - hole
	switch {
	case length > 0 && rest >= 0 && s.phase == cleartext:
		// The next record begins after the rest of this one, but a message is lost.
		s.skip, s.deaf = rest, true
		s.places.clear()
		if c.session.client == nil || c.session.server == nil {
			c.end(s, at, NoHello)
		}
	case length > 0 && rest >= 0:
		s.search()
		s.skip = rest
	default:
		s.search()
	}
	return true
}

// skip drops the rest of a broken record.
func (c *Conn) skip(s *side) bool {
	n := min(int(min(s.skip, maxWaiting)), s.queue.run)
	if n > 0 {
		s.queue.pass(n)
		s.lost += int64(n)
		s.skip -= int64(n)
		return true
	}
	hole := s.queue.hole()
	if hole == 0 {
		return false
	}
	s.lost += hole
	s.queue.takeHole()
	if s.skip -= hole; s.skip < 0 {
		s.skip = 0
		s.search()
	}
	return true
}

// seek looks for a record in the ready bytes. Without a Reader it waits.
func (c *Conn) seek(s *side) bool {
	list := c.candidates(s)
	if len(list) == 0 {
		return false
	}
	if s.joined && !s.anchored && s.queue.run > 0 {
		s.anchored = true
		if c.anchor(s, list[0]) {
			return true
		}
	}
	return c.scan(s, list)
}

// scan passes over bytes that begin no record that opens. It reports whether it made
// progress.
func (c *Conn) scan(s *side, list []candidate) bool {
	b := s.queue.ready(s.queue.run)
	for i := 0; ; i++ {
		rest := b[i:]
		if len(rest) < record.HeaderSize {
			return c.pass(s, i) || c.cross(s)
		}
		h, ok := protectedHeader(rest)
		switch {
		case !ok:
			continue
		case len(rest) < h.length && s.queue.whole():
			return c.pass(s, i)
		case len(rest) < h.length:
			continue
		case i > 0: // what is lost decides which numbers are tried
			return c.pass(s, i)
		}
		if k, number, ok := s.try(rest[:h.length], list); ok {
			c.resume(s, k, number)
			return true
		}
		if s.work > maxSearchWork {
			c.end(s, s.queue.pieces[s.queue.first].at, OutOfStep)
			return true
		}
	}
}

// protectedHeader parses the header of a protected record. ok is false if there is none.
func protectedHeader(b []byte) (h header, ok bool) {
	h, ok = parseHeader(b)
	return h, ok && b[2] == 3 && h.length >= minRecord && h.typ != record.ChangeCipherSpec
}

// try returns the candidate that opens a record, and the number of the record.
func (s *side) try(b []byte, list []candidate) (candidate, uint64, bool) {
	for _, k := range list {
		if number, ok := s.number(k, b); ok {
			return k, number, true
		}
	}
	return candidate{}, 0, false
}

// resume goes on with a record that opens.
func (c *Conn) resume(s *side, k candidate, number uint64) {
	missing := Missing{Dir: s.dir, Ciphertext: s.lost, Records: -1, Plaintext: -1}
	missing.At = s.queue.pieces[s.queue.first].at
	if n := int64(number - k.reader.Number()); k.reader == s.reader && s.sure {
		missing.Records = n
		// The first records may hold tickets (RFC 8446 §4.6.1).
		if k.reader.Number() > 0 && !s.padded && !k.reader.Suite().Pads() {
			missing.Plaintext = max(0, s.lost-n*int64(k.reader.Overhead()))
		}
	}
	// Without its first bytes, nobody knows what came before. Numbers begin with the
	// application data, and again after a KeyUpdate.
	begins := s.joined && (c.session.client == nil || number == 0 && s.passed != keyUpdateSize)
	c.choose(s, k)
	k.reader.SetNumber(number)
	c.proven = c.proven || s.joined
	s.state, s.lost, s.joined = reading, 0, false
	s.boundary()
	s.messages = handshake.Assembler{}
	s.deaf = k.phase == handshake13 // in the middle of a message
	if k.phase == handshake13 {
		return
	}
	s.finished = true
	missing.Ciphertext += s.early
	s.early = 0
	if missing.Ciphertext > 0 && !begins {
		c.find(&missing)
	}
}

// pass drops n bytes that begin no record.
func (c *Conn) pass(s *side, n int) bool {
	if n == 0 {
		return false
	}
	at := s.drop(n)
	most := maxSearch
	if s.joined { // so much may be from before a KeyUpdate
		most = maxJoining
	}
	if s.scanned += n; s.scanned > most {
		c.end(s, at, OutOfStep)
	}
	return true
}

// drop removes n bytes, and returns when the last of them came.
func (s *side) drop(n int) ktime.Time {
	s.lost += int64(n)
	s.passed = n
	return s.queue.pass(n)
}

// cross goes on after a hole, if one follows.
func (c *Conn) cross(s *side) bool {
	hole := s.queue.hole()
	if hole == 0 {
		return false
	}
	s.lost += int64(s.queue.run) + hole
	s.queue.takeHole()
	return true
}
