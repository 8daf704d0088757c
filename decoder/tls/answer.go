package tls

import (
	"time"

	"h2trace/decoder/ktime"
)

// Check returns how long the client took to answer the server, which is its time for the
// certificate: it also checks signatures and derives keys, which is fast, and where the
// server asks for a certificate it signs. What it did before the last message came is not
// part of it. ok is false if the server sent no certificate, or either end was not seen.
func (i *Info) Check() (took time.Duration, ok bool) {
	if i.Resumed || i.Asked == 0 || i.Answered < i.Asked {
		return 0, false
	}
	return i.Answered.Sub(i.Asked), true
}

// certified notes that the server sent a certificate, and reports whether it was the server.
func (c *Conn) certified(s *side) bool {
	if c.session.server == nil || s.dir == c.session.dir {
		return false
	}
	c.session.certified = true
	return true
}

// asks takes the last message of the server before the client's answer, if the messages of
// the server are of phase p: of TLS 1.3 Finished (RFC 8446 §2), of TLS 1.2 ServerHelloDone
// (RFC 5246 §7.3).
func (c *Conn) asks(s *side, at ktime.Time, p phase) {
	if s.phase == p && s.dir != c.session.dir && c.session.certified && c.info.Asked == 0 {
		c.info.Asked = at
	}
}

// answers takes a record of handshake messages. The first one of the client after the
// ServerHello, which a change_cipher_spec may precede, begins its answer: Certificate,
// ClientKeyExchange or Finished. A renegotiation has none in the phases of the handshake.
func (c *Conn) answers(s *side, at ktime.Time) {
	of := c.session.server != nil && s.dir == c.session.dir
	if of && (s.phase == cleartext || s.phase == handshake13) && c.info.Answered == 0 {
		c.info.Answered = at
	}
}
