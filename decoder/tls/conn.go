package tls

import (
	"math"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// Conn opens the records of one TLS connection. The caller gives it what it sees, by
// Data, Missing, Secret and Join, and after each such call calls Next until it returns
// nil. It is not safe for concurrent use.
type Conn struct {
	// Unread returns how many of the next bytes of the application data of a direction
	// nobody reads: they need not be decrypted. nil: none.
	Unread func(decoder.Direction) int64

	sides    [2]side // by direction
	session  session
	info     Info
	secrets  secrets
	learned  int // secrets and hellos
	sessions *Sessions
	// found is what the last record gave, and plaintext the event that is used again.
	found     []Event
	returned  int
	plaintext Plaintext
	passed    Passed // used again, as plaintext
	bulk      bulk
	scratch   []byte // for plaintext, nil while Next has nothing to return
	proven    bool   // a Reader of Join has opened a record
}

// Info is what a handshake agreed on. Fields are zero until they are known.
type Info struct {
	Version uint16 // as crypto/tls has it
	Suite   uint16
	ALPN    string
	// Resumed says that a session is resumed, by PSK or ticket. It has no certificate.
	Resumed bool
	// Certificate names the leaf that the server sent.
	Certificate *handshake.Names
	// Public says that its chain names a public certificate authority.
	Public bool
	Start  ktime.Time // of the first ClientHello
	End    ktime.Time // of the last Finished
	// Asked is when the last message of the server came before the client's answer, and
	// Answered when the first record of that came. Asked is zero if the server sent no
	// certificate.
	Asked, Answered ktime.Time
}

// New returns the Conn of a connection that is seen from its first byte. A nil budget bounds
// nothing but each Conn by itself. Without sessions, the Conn opens no resumption of a
// session of TLS 1.2 whose secret was logged on another connection.
func New(budget *Budget, sessions *Sessions) *Conn {
	if budget == nil {
		budget = NewBudget(math.MaxInt)
	}
	if sessions == nil {
		sessions = NewSessions()
	}
	c := &Conn{sessions: sessions}
	for d := range c.sides {
		c.sides[d] = side{dir: decoder.Direction(d), queue: queue{budget: budget}}
	}
	return c
}

// NewJoined returns the Conn of a connection that was open before. Its ciphertext waits
// for Join.
func NewJoined(budget *Budget, sessions *Sessions) *Conn {
	c := New(budget, sessions)
	for d := range c.sides {
		c.sides[d].search()
	}
	c.AwaitJoin()
	return c
}

// AwaitJoin says that Join will give a connection its Readers, as its secrets do not come.
// More ciphertext waits for that.
func (c *Conn) AwaitJoin() {
	for d := range c.sides {
		c.sides[d].awaitsJoin = true
	}
}

// Data takes the next bytes of a direction, which came at time at. It reads b until Next
// returns nil, and does not change it.
func (c *Conn) Data(at ktime.Time, dir decoder.Direction, b []byte) {
	s := &c.sides[dir]
	if len(b) == 0 {
		return
	}
	if s.state != ended && (s.queue.len() > s.mostWaiting() || s.queue.budget.over(len(b))) {
		c.overflow(s, at)
	}
	if s.state == ended {
		s.lost += int64(len(b))
		s.queue.skip(int64(len(b)))
		return
	}
	s.queue.add(at, b)
}

// mostWaiting bounds the ciphertext that waits in a direction.
func (s *side) mostWaiting() int {
	if s.awaitsJoin {
		return maxJoining
	}
	return maxWaiting
}

// Missing says that the next n bytes of a direction will not come. n is positive.
func (c *Conn) Missing(at ktime.Time, dir decoder.Direction, n int64) {
	s := &c.sides[dir]
	if s.state == ended {
		s.lost += n
		s.queue.skip(n)
		return
	}
	s.holed = true
	s.queue.addHole(at, n)
}

// Next returns what was found next, or nil. The event is valid until the next call of a
// method of the Conn.
func (c *Conn) Next() Event {
	for {
		if c.returned < len(c.found) {
			c.returned++
			return c.found[c.returned-1]
		}
		if c.bulk.left() > 0 {
			return c.part()
		}
		clear(c.found) // a ClientHello may be long
		c.found, c.returned = c.found[:0], 0
		if !c.advance() && len(c.found) == 0 {
			c.sides[0].queue.keep()
			c.sides[1].queue.keep()
			c.lendScratch()
			return nil
		}
	}
}

// Info returns what is known of the handshake. It is valid until the next call of a
// method of the Conn.
func (c *Conn) Info() *Info { return &c.info }

// Secret takes a session secret, as a key log names it. It is one of the connection if
// the client random is that of a ClientHello in it. Secret copies what it keeps.
func (c *Conn) Secret(label string, clientRandom [32]byte, secret []byte) {
	if !c.secrets.add(label, clientRandom, secret) {
		return
	}
	c.learned++
	for d := range c.sides {
		if s := &c.sides[d]; s.state == ended && s.reason == NoSecret {
			s.search()
		}
	}
}

// Join gives a connection the Reader of a direction, made from what the memory of the
// process holds: one that was open before, or whose secrets do not come. The number of
// the Reader is near that of a record to come, or of one that waits. Application data
// counts from the first record that opens. Join owns the Reader.
func (c *Conn) Join(dir decoder.Direction, r *record.Reader) {
	s := &c.sides[dir]
	s.phase = application13
	if r.Suite().Version() == record.TLS12 {
		s.phase = protected12
	}
	c.dropBulk(s)
	c.info.Version, c.info.Suite = uint16(r.Suite().Version()), r.Suite().ID()
	s.setReader(r)
	s.awaitsJoin, s.joined, s.anchored, s.work = false, true, false, 0
	if s.state != searching {
		s.search()
	}
}

// Proven reports whether a Reader of Join has opened a record.
func (c *Conn) Proven() bool { return c.proven }

// Close ends the connection. It zeroes the secrets, and drops the ciphertext that still
// waits. Next returns what that means.
func (c *Conn) Close(at ktime.Time) {
	for d := range c.sides {
		s := &c.sides[d]
		c.dropBulk(s)
		if s.state == ended {
			continue
		}
		if s.cut() { // no peer opens it
			s.queue.drop()
		}
		noHello := s.state == reading && s.begun && c.session.client == nil
		if s.reader == nil && (noHello || s.queue.len() > 0) {
			c.end(s, at, c.lacks(s))
		}
		// What a joined side has passed over may be the handshake alone.
		handshake := s.joined && !s.holed && c.session.client != nil
		if s.lost += s.queue.drop(); s.lost > 0 && !handshake && s.state != ended {
			c.find(&Missing{At: at, Dir: s.dir, Ciphertext: s.lost, Records: -1, Plaintext: -1})
		}
		s.state = ended
		s.setReader(nil)
	}
	c.secrets.wipe()
}

// cut reports whether nothing waits but the beginning of a record that could be read.
func (s *side) cut() bool {
	if s.state != reading || !s.queue.whole() {
		return false
	}
	b := s.queue.ready(record.HeaderSize)
	if len(b) < record.HeaderSize {
		return true
	}
	h, ok := parseHeader(b)
	return ok && s.queue.run < h.length && (s.reader != nil || s.phase == cleartext && h.typ != record.ApplicationData)
}

// overflow makes room in a queue that waits for too long.
func (c *Conn) overflow(s *side, at ktime.Time) {
	other := &c.sides[s.dir^1]
	switch {
	case s.reader != nil && other.blocks(): // s waits for it
		c.end(other, at, NoSecret)
	case s.awaitsJoin:
		s.lost, s.holed = s.lost+s.queue.drop(), true
		s.search()
	case s.state == reading && s.reader != nil: // the Budget is exceeded
		s.lost += s.queue.drop()
		s.search()
	default:
		c.end(s, at, c.lacks(s))
	}
}

// lacks returns what a direction waits for.
func (c *Conn) lacks(s *side) Reason {
	switch {
	case s.state == searching && s.reader != nil:
		return OutOfStep
	case c.session.client == nil || c.session.server == nil:
		return NoHello
	case !c.session.known:
		return UnknownSuite
	}
	return NoSecret
}

// end gives a direction up.
func (c *Conn) end(s *side, at ktime.Time, why Reason) {
	c.dropBulk(s)
	s.lost += s.queue.drop()
	s.state, s.reason = ended, why
	c.find(&Unopened{At: at, Dir: s.dir, Reason: why})
}

func (c *Conn) find(e Event) { c.found = append(c.found, e) }
