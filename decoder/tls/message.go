package tls

import (
	"cmp"

	"h2trace/decoder/internal/authority"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
)

// message takes a handshake message.
func (c *Conn) message(s *side, at ktime.Time, m handshake.Message) {
	switch m.Type {
	case handshake.TypeClientHello:
		c.clientHello(s, at, m.Body)
	case handshake.TypeServerHello:
		c.serverHello(s, m.Body)
	case handshake.TypeEncryptedExtensions:
		if e, err := handshake.ParseEncryptedExtensions(m.Body); err == nil && s.phase == handshake13 {
			c.info.ALPN = e.ALPN
		}
	case handshake.TypeNewSessionTicket:
		c.newTicket(s, m.Body)
	case handshake.TypeCertificate:
		c.certificate(s, m.Body)
	case handshake.TypeCompressedCertificate:
		c.certified(s)
	case handshake.TypeServerHelloDone:
		c.asks(s, at, cleartext)
	case handshake.TypeFinished:
		c.asks(s, at, handshake13)
		c.finish(s, at)
	case handshake.TypeKeyUpdate:
		if _, err := handshake.ParseKeyUpdate(m.Body); err == nil {
			c.keyUpdate(s)
		}
	}
}

// clientHello takes a ClientHello: the first one, one after a HelloRetryRequest, or one
// of a renegotiation (RFC 5246 §7.4.1.1).
func (c *Conn) clientHello(s *side, at ktime.Time, body []byte) {
	h, err := handshake.ParseClientHello(body)
	if err != nil || c.session.client != nil && s.dir != c.session.dir || c.session.is13() {
		return
	}
	known := c.session.client != nil && c.session.client.random == h.Random
	c.session = session{client: newHello(h), dir: s.dir, retried: known && c.session.retried}
	c.learned++
	if known {
		return
	}
	if c.info.Start == 0 {
		c.info.Start = at
	}
	c.find(&Offered{At: at, Dir: s.dir, Hello: h})
}

func (c *Conn) serverHello(s *side, body []byte) {
	h, err := handshake.ParseServerHello(body)
	if err != nil || c.session.client == nil || s.dir == c.session.dir || c.session.server != nil {
		return
	}
	if h.IsHelloRetryRequest() {
		c.session.retried = true
		return
	}
	c.session.choose(h)
	c.learned++
	c.info.Version, c.info.Suite = h.Version(), h.CipherSuite
	c.info.ALPN = cmp.Or(h.ALPN, c.info.ALPN) // a renegotiation may leave it out
	c.info.Resumed = c.session.resumed()
	if c.session.is13() {
		for d := range c.sides {
			c.sides[d].enter(handshake13, nil)
		}
	}
}

// certificate takes the certificate of the server.
func (c *Conn) certificate(s *side, body []byte) {
	if !c.certified(s) {
		return
	}
	parse := handshake.ParseCertificate12
	if c.session.is13() {
		parse = handshake.ParseCertificate13
	}
	leaf, err := parse(body)
	if err != nil || len(leaf) == 0 {
		return
	}
	if names, err := handshake.ParseNames(leaf); err == nil {
		c.info.Certificate = &names
		c.info.Public = authority.Issued(handshake.ParseChain(body, c.session.is13()))
	}
}

// finish takes a Finished. The application keys of TLS 1.3 follow it.
func (c *Conn) finish(s *side, at ktime.Time) {
	switch s.phase {
	case handshake13:
		s.enter(application13, nil)
		if s.early > 0 {
			c.find(&Missing{At: at, Dir: s.dir, Ciphertext: s.early, Records: -1, Plaintext: -1})
			s.early = 0
		}
	case protected12:
	default:
		return
	}
	s.finished = true
	if c.sides[0].finished && c.sides[1].finished {
		c.info.End = max(at, c.info.End)
		c.find(&Established{At: at})
	}
}

// keyUpdate takes the last message before the next generation of keys (RFC 8446 §4.6.3).
func (c *Conn) keyUpdate(s *side) {
	if s.phase != application13 || s.reader == nil {
		return
	}
	if s.reader.Update() == nil { // a Reader from memory may lack the secret
		s.messages = handshake.Assembler{} // no message spans a change of keys (RFC 8446 §5.1)
	}
}
