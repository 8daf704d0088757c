package tls_test

import (
	"bytes"
	"fmt"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// result is what a Conn says of a conversation.
type result struct {
	said   [2][]byte
	lines  []string // everything but plaintext
	turns  []turn
	offers int
	info   tls.Info
	memory []byte // of the last bytes given

	onPassed func(*tls.Passed) // with Conn.Unread
}

// turn is plaintext of one direction between that of the other.
type turn struct {
	dir   decoder.Direction
	bytes int
}

// drain takes all events that a Conn has.
func (r *result) drain(c *tls.Conn) {
	for e := c.Next(); e != nil; e = c.Next() {
		switch e := e.(type) {
		case *tls.Plaintext:
			r.plaintext(e.Dir, e.Data)
		case *tls.Passed:
			r.onPassed(e)
		case *tls.Offered:
			r.offers++
			r.lines = append(r.lines, fmt.Sprintf("offered %s %s %q", e.Dir, e.Hello.SNI, e.Hello.ALPN))
		case *tls.Established:
			r.lines = append(r.lines, "established")
		case *tls.Alert:
			r.lines = append(r.lines, fmt.Sprintf("alert %s %s, encrypted %t", e.Dir, e.Alert, e.Encrypted))
		case *tls.Missing:
			r.lines = append(r.lines, fmt.Sprintf("missing %s %d bytes, %d records with %d", e.Dir, e.Ciphertext, e.Records, e.Plaintext))
		case *tls.Unopened:
			r.lines = append(r.lines, fmt.Sprintf("unopened %s: %s", e.Dir, e.Reason))
		}
	}
	r.info = *c.Info()
}

func (r *result) plaintext(dir decoder.Direction, b []byte) {
	r.said[dir] = append(r.said[dir], b...)
	if n := len(r.turns); n == 0 || r.turns[n-1].dir != dir {
		r.turns = append(r.turns, turn{dir: dir})
	}
	r.turns[len(r.turns)-1].bytes += len(b)
}

// newConn returns a Conn that knows the session that a conversation resumes.
func newConn(conv *conversation) *tls.Conn {
	sessions := tls.NewSessions()
	if conv.before != nil {
		c, r := tls.New(tls.NewBudget(1<<20), sessions), &result{}
		r.tell(c, conv.before)
		for i, s := range conv.before.segments {
			c.Data(ktime.Time(i+1), s.dir, s.b)
			r.drain(c)
		}
	}
	return tls.New(tls.NewBudget(64<<20), sessions)
}

// run gives a conversation to a Conn: its segments cut into pieces of at most most
// bytes, and its secrets before segment number when.
func run(conv *conversation, most, when int) *result {
	c, r := newConn(conv), &result{}
	for i, s := range conv.segments {
		if i == when {
			r.tell(c, conv)
		}
		for b := s.b; len(b) > 0; b = b[min(most, len(b)):] {
			r.give(c, ktime.Time(i+1), s.dir, b[:min(most, len(b))])
		}
	}
	if when >= len(conv.segments) {
		r.tell(c, conv)
	}
	c.Close(1 << 40)
	r.drain(c)
	return r
}

// give gives bytes to a Conn, and uses their memory again. Conn must not write there: it
// may be that of the kernel.
func (r *result) give(c *tls.Conn, at ktime.Time, dir decoder.Direction, b []byte) {
	r.memory = append(r.memory[:0], b...)
	c.Data(at, dir, r.memory)
	r.drain(c)
	if !bytes.Equal(r.memory, b) {
		r.lines = append(r.lines, fmt.Sprintf("changed %s at %d", dir, at))
	}
	for i := range r.memory {
		r.memory[i] = 0xa5
	}
}

func (r *result) tell(c *tls.Conn, conv *conversation) {
	for _, s := range conv.secrets {
		c.Secret(s.label, s.random, s.secret)
		r.drain(c)
	}
}
