package tls

import (
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/record"
)

const (
	// leastBulk is the size of the shortest record that is decrypted in parts.
	leastBulk = 2048
	// partSize is how much is decrypted to find out what the rest is: the header of a
	// frame and the beginning of its payload.
	partSize = 64
)

// bulk is a record that is verified, and of which little is decrypted.
type bulk struct {
	side   *side
	at     ktime.Time
	record []byte
	size   int  // of the content
	pos    int  // in the content
	passed bool // the bytes before pos were not decrypted
	part   [partSize]byte
}

func (b *bulk) left() int { return b.size - b.pos }

// verify takes the next record as bulk if it is, and reports that.
func (c *Conn) verify(s *side, h header, b []byte) bool {
	if c.Unread == nil || s.phase != application13 || s.padded {
		return false
	}
	s.bulk = s.bulk || c.Unread(s.dir) > 0
	if !s.bulk || h.length < leastBulk {
		return false
	}
	number := s.reader.Number()
	size, typ, ok := s.reader.Verify(b)
	if !ok || typ != record.ApplicationData || size == 0 {
		s.reader.SetNumber(number)
		return false
	}
	s.work = max(0, s.work-h.length)
	s.plaintext += int64(size)
	c.bulk = bulk{side: s, at: s.queue.pass(h.length), record: b, size: size}
	return true
}

// part returns what comes next of the bulk.
func (c *Conn) part() Event {
	b := &c.bulk
	s := b.side
	if n := int(min(c.Unread(s.dir), int64(b.left()))); n > 0 {
		c.passed = Passed{At: b.at, Dir: s.dir, N: int64(n)}
		b.pos, b.passed = b.pos+n, true
		return c.endPart(&c.passed)
	}
	c.plaintext = Plaintext{At: b.at, Dir: s.dir}
	if b.pos == 0 || b.passed {
		n := s.reader.Part(b.part[:min(len(b.part), b.left())], b.record, b.pos)
		c.plaintext.Data = b.part[:n]
		b.pos, b.passed = b.pos+n, false
		return c.endPart(&c.plaintext)
	}
	// No bulk, or the end of it.
	s.bulk = false
	number := s.reader.Number()
	s.reader.SetNumber(number - 1)
	all, _, err := s.reader.Open(c.takeScratch(), b.record)
	s.reader.SetNumber(number)
	if err != nil { // it was verified
		c.dropBulk(s)
		s.search()
		return c.Next()
	}
	c.plaintext.Data = all[b.pos:]
	b.pos = b.size
	return c.endPart(&c.plaintext)
}

// endPart lets go of the record at its end.
func (c *Conn) endPart(e Event) Event {
	if c.bulk.left() == 0 {
		c.bulk.side, c.bulk.record = nil, nil
	}
	return e
}

// dropBulk drops what is left of the bulk of a side, and all plaintext of it.
func (c *Conn) dropBulk(s *side) {
	if c.bulk.side == s {
		s.lost += int64(c.bulk.left())
	}
	if c.bulk.side == s || c.bulk.side == nil {
		c.bulk = bulk{}
	}
}
