package tls

import (
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// search begins to look for a record that opens. The number of the Reader, if there is
// one, is that of the first record that is missing.
func (s *side) search() {
	s.state, s.scanned, s.work = searching, 0, 0
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
		s.queue.take(n)
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

// candidate is a Reader that may open the next record, and under which numbers.
type candidate struct {
	reader  *record.Reader
	phase   phase
	from, n uint64
}

// candidates returns the Readers that may open the next record. The first is the
// present one. The caller wipes all that it does not keep, except that.
func (c *Conn) candidates(s *side) (list []candidate) {
	trials := uint64(min(s.lost/minRecord+2, maxTrials))
	add := func(p phase, readers ...*record.Reader) {
		for _, r := range readers {
			list = append(list, candidate{r, p, leastRecords(s.lost - maxHandshake), trialsOf(r, trials)})
		}
	}
	switch {
	case s.joined:
		from := s.reader.Number() - min(s.reader.Number(), joinedBefore)
		return append(list, candidate{s.reader, s.phase, from, trialsOf(s.reader, joinedBefore+joinedAfter+trials)})
	case s.reader != nil:
		list = append(list, candidate{s.reader, s.phase, s.reader.Number() + leastRecords(s.lost), trialsOf(s.reader, trials)})
	}
	switch {
	case s.phase == application13 && s.reader != nil:
		if next, err := s.reader.Next(); err == nil {
			add(application13, next)
		}
	case s.phase == protected12 && s.reader != nil:
	case c.session.is13():
		if s.reader == nil && s.phase != application13 {
			add(handshake13, c.readers(s.dir, handshake13)...)
		}
		add(application13, c.readers(s.dir, application13)...)
	default:
		add(protected12, c.readers(s.dir, protected12)...)
	}
	return list
}

// maxHandshake is more than a handshake takes.
const maxHandshake = 1 << 20

// leastRecords returns how many records lost bytes are at least. The first and the last
// may be cut.
func leastRecords(lost int64) uint64 {
	const most = record.HeaderSize + record.MaxCiphertext12
	return uint64(max(0, lost/most-2))
}

// trialsOf returns n, or more if a Reader finds any number at once.
func trialsOf(r *record.Reader, n uint64) uint64 {
	if r.FindCost(anyNumber) == 1 {
		return anyNumber
	}
	return n
}

// anyNumber is more records than a connection has.
const anyNumber = 1 << 62

// minRecord is the least length of a protected record: its header, a tag and a byte.
const minRecord = record.HeaderSize + 17

// seek looks for a record in the ready bytes. Without a Reader it waits.
func (c *Conn) seek(s *side) bool {
	list := c.candidates(s)
	if len(list) == 0 {
		return false
	}
	found := c.scan(s, list)
	for i := range list {
		if r := list[i].reader; r != s.reader {
			r.Wipe()
		}
	}
	return found
}

// scan passes over bytes that begin no record that opens. It reports whether it made
// progress.
func (c *Conn) scan(s *side, list []candidate) bool {
	b := s.queue.ready()
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
		}
		if k, number, ok := s.try(rest[:h.length], list); ok {
			if c.pass(s, i); s.state != ended {
				c.resume(s, k, number)
			}
			return true
		}
		if s.work > maxSearchWork {
			c.end(s, s.queue.pieces[s.queue.first].at, OutOfStep)
			return true
		}
	}
}

// protectedHeader parses the header of a protected record, and the beginning of the one
// after it, where b goes on that far. ok is false if there is none.
func protectedHeader(b []byte) (h header, ok bool) {
	if h, ok = parseHeader(b); !ok || b[2] != 3 || h.length < minRecord || h.typ == record.ChangeCipherSpec {
		return h, false
	}
	if len(b) < h.length+record.HeaderSize {
		return h, true
	}
	_, ok = parseHeader(b[h.length:])
	return h, ok
}

// try returns the candidate that opens a record, and the number of the record.
func (s *side) try(b []byte, list []candidate) (candidate, uint64, bool) {
	for _, k := range list {
		n, work := k.n, len(b)+leastWork
		if k.reader.FindCost(n) > 1 {
			n = min(n, uint64(max(1, (maxSearchWork-s.work)/work)))
			work *= int(n)
		}
		s.work += work
		if number, ok := k.reader.Find(b, k.from, n); ok {
			return k, number, true
		}
	}
	return candidate{}, 0, false
}

// resume goes on with a record that opens.
func (c *Conn) resume(s *side, k candidate, number uint64) {
	missing := Missing{Dir: s.dir, Ciphertext: s.lost, Records: -1, Plaintext: -1}
	missing.At = s.queue.pieces[s.queue.first].at
	if k.reader == s.reader {
		if n := int64(number - s.reader.Number()); s.sure {
			missing.Records, missing.Plaintext = n, max(0, s.lost-n*int64(k.reader.Overhead()))
		}
	} else {
		s.enter(k.phase)
		s.setReader(k.reader)
	}
	k.reader.SetNumber(number)
	s.state, s.lost, s.joined = reading, 0, false
	s.messages = handshake.Assembler{}
	s.deaf = k.phase == handshake13 // in the middle of a message
	if k.phase == handshake13 {
		return
	}
	s.finished = true
	if missing.Ciphertext > 0 {
		c.find(&missing)
	}
}

// pass drops n bytes that begin no record.
func (c *Conn) pass(s *side, n int) bool {
	if n == 0 {
		return false
	}
	_, at := s.queue.take(n)
	s.lost += int64(n)
	if s.scanned += n; s.scanned > maxSearch {
		c.end(s, at, OutOfStep)
	}
	return true
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
