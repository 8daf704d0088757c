package tls

import (
	"encoding/binary"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// side is one direction of a Conn.
type side struct {
	dir      decoder.Direction
	queue    queue
	state    state
	reason   Reason // why it ended
	phase    phase
	reader   *record.Reader // of the phase; nil until a secret opens a record
	may      candidates
	messages handshake.Assembler
	deaf     bool // part of a handshake message was missing
	begun    bool // the first record has come
	finished bool
	joined   bool // the reader is from memory, and has not opened a record yet
	anchored bool // all records that waited for the reader were looked at
	holed    bool // some bytes were missing or dropped

	awaitsJoin bool // Join will give the reader

	skip    int64 // bytes of a broken record that are still to come
	lost    int64 // bytes not opened since the last record that was
	early   int64 // bytes of early data
	scanned int   // bytes passed over by a search
	passed  int   // bytes passed over last by a search: a record, where they are one
	work    int   // of all searches since the last Join, in bytes, less what was opened
	sure    bool  // the number of the reader is that of the first missing record
	padded  bool  // a record had padding
	bulk    bool  // nobody reads most of what comes

	plaintext int64 // bytes of it so far
	places    places
}

// state is what a side does with its bytes.
type state uint8

const (
	reading   state = iota // the next byte begins a record
	searching              // for a record that opens
	ended
)

// setReader replaces the Reader, and zeroes the old one and the candidates.
func (s *side) setReader(r *record.Reader) {
	if s.reader != nil {
		s.reader.Wipe()
	}
	s.may.wipe(r)
	s.reader = r
}

// enter begins a phase. The Reader is nil if it is not known yet.
func (s *side) enter(p phase, r *record.Reader) {
	s.phase, s.lost = p, 0
	s.setReader(r)
	s.messages = handshake.Assembler{}
	s.deaf, s.finished = false, false
}

// header is the header of a record (RFC 8446 §5.1).
type header struct {
	typ    record.ContentType
	length int // of the whole record
}

// parseHeader parses the header that b begins with. ok is false if it is none.
func parseHeader(b []byte) (h header, ok bool) {
	h = header{record.ContentType(b[0]), record.HeaderSize + int(binary.BigEndian.Uint16(b[3:]))}
	return h, h.typ >= record.ChangeCipherSpec && h.typ <= record.ApplicationData && b[1] == 3 &&
		h.length <= record.HeaderSize+record.MaxCiphertext12
}

// step decodes one record of a direction, or part of a hole. It reports whether that
// was possible.
func (c *Conn) step(s *side) bool {
	switch {
	case s.state == ended:
		return false
	case s.skip > 0:
		return c.skip(s)
	case s.state == searching:
		return c.seek(s)
	}
	b := s.queue.ready(record.HeaderSize)
	if !s.begun && !begins(b) {
		c.end(s, s.queue.pieces[s.queue.first].at, NotTLS)
		return true
	}
	if len(b) < record.HeaderSize {
		return c.broken(s, 0)
	}
	h, ok := parseHeader(b)
	switch {
	case !ok:
		s.search()
		return true
	case s.queue.run < h.length:
		return c.broken(s, h.length)
	}
	s.begun = true
	if !c.record(s, h, s.queue.ready(h.length)[:h.length]) {
		return false
	}
	s.boundary()
	return true
}

// begins reports whether b may be the beginning of a connection: a ClientHello, or
// the answer, or an alert.
func begins(b []byte) bool {
	return len(b) == 0 || (b[0] == byte(record.Handshake) || b[0] == byte(record.Alert)) && (len(b) == 1 || b[1] == 3)
}

// record decodes a whole record.
func (c *Conn) record(s *side, h header, b []byte) bool {
	switch {
	case h.typ == record.ChangeCipherSpec && s.phase != protected12:
		return c.changeCipherSpec(s, h)
	case s.phase == cleartext && h.typ == record.ApplicationData && c.session.server == nil:
		return false // of TLS 1.3, or early data: waits for the ServerHello
	case s.phase == cleartext && h.typ == record.ApplicationData:
		s.search() // the change_cipher_spec is lost
		return true
	case s.phase == cleartext || h.typ == record.Alert && s.phase != protected12:
		b, at, _ := s.queue.take(h.length)
		c.content(s, at, h.typ, b[record.HeaderSize:])
		return true
	case s.reader == nil && c.session.server != nil && !c.session.known:
		at := s.queue.pass(h.length)
		c.end(s, at, UnknownSuite)
		return true
	case s.reader == nil && !c.key(s, b):
		if !c.early(s) {
			return false
		}
		s.queue.pass(h.length)
		s.early += int64(h.length)
		s.may.tried = 0
		return true
	case s.deaf && s.phase == handshake13 && !s.opens(b):
		s.search() // the Finished may be lost
		return true
	}
	return c.verify(s, h, b) || c.open(s, h)
}

// changeCipherSpec takes such a record. It means nothing in TLS 1.3 (RFC 8446 §5).
func (c *Conn) changeCipherSpec(s *side, h header) bool {
	if c.session.server == nil && !c.session.retried {
		return false // waits for it
	}
	s.queue.pass(h.length)
	if c.session.server != nil && !c.session.is13() {
		s.enter(protected12, nil)
	}
	return true
}

// key finds a candidate that opens the first record of a phase. It tries each once.
func (c *Conn) key(s *side, b []byte) bool {
	for list := c.candidates(s); s.may.tried < len(list); s.may.tried++ {
		k := list[s.may.tried]
		if k.phase != s.phase {
			continue
		}
		if _, ok := k.reader.Find(b, 0, 1); ok {
			c.choose(s, k)
			return true
		}
	}
	return false
}

// opens reports whether the next record opens, and leaves it as it is.
func (s *side) opens(b []byte) bool {
	_, ok := s.reader.Find(b, s.reader.Number(), 1)
	return ok
}

// early reports whether the next record may be early data of a client (RFC 8446
// §4.2.10). Its secret is in no key log of crypto/tls.
func (c *Conn) early(s *side) bool {
	hello := c.session.client
	return s.phase == handshake13 && s.dir == c.session.dir && hello.earlyData &&
		len(c.secrets.of(labelClientHandshake, hello.random)) > 0
}

// open opens the next record: where it lies, or into the scratch memory if it is the
// caller's.
func (c *Conn) open(s *side, h header) bool {
	number := s.reader.Number()
	b, at, own := s.queue.take(h.length)
	from := min(s.reader.Offset(), len(b))
	to := b[from:from]
	learns := s.bulk && h.length >= leastBulk
	if learns || !own {
		to = c.takeScratch()
	}
	plaintext, typ, err := s.reader.Open(to, b)
	if err != nil {
		s.lost += int64(h.length)
		s.reader.SetNumber(number)
		s.search()
		return true
	}
	c.proven, s.joined = c.proven || s.joined, false
	s.work = max(0, s.work-h.length)
	s.padded = s.padded || len(plaintext)+s.reader.Overhead() != h.length
	if learns {
		s.reader.Learn(b)
	}
	c.content(s, at, typ, plaintext)
	return true
}

// content takes what a record holds.
func (c *Conn) content(s *side, at ktime.Time, typ record.ContentType, b []byte) {
	switch typ {
	case record.Handshake:
		if s.deaf {
			return
		}
		c.answers(s, at)
		s.messages.Take(b)
		for p := s.phase; p == s.phase; {
			m, ok := s.messages.Next()
			if !ok {
				break
			}
			c.message(s, at, m)
		}
	case record.Alert:
		if a, err := handshake.ParseAlert(b); err == nil {
			c.find(&Alert{At: at, Dir: s.dir, Alert: a, Encrypted: s.phase != cleartext && s.reader != nil})
		}
	case record.ChangeCipherSpec: // of a renegotiation
		if s.phase == protected12 && c.session.server != nil {
			s.enter(protected12, nil)
		}
	case record.ApplicationData:
		if len(b) > 0 && (s.phase == application13 || s.phase == protected12) {
			s.plaintext += int64(len(b))
			c.plaintext = Plaintext{At: at, Dir: s.dir, Data: b}
			c.find(&c.plaintext)
		}
	}
}
