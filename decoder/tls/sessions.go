package tls

import (
	"crypto/sha256"

	"h2trace/decoder/tls/handshake"
)

// maxSessions bounds the sessions that are remembered.
const maxSessions = 4096

// Sessions remembers the sessions of TLS 1.2 that may be resumed, by their tickets
// (RFC 5077). crypto/tls logs the secret of a session in its first handshake, and in
// none that resumes it. Connections share it; it is not safe for concurrent use.
type Sessions struct {
	masters map[ticketHash][]byte
	order   []ticketHash // of their entry
	learned int          // how often one was entered
}

// ticketHash is the SHA-256 of a ticket.
type ticketHash [sha256.Size]byte

// NewSessions returns an empty Sessions.
func NewSessions() *Sessions { return &Sessions{masters: make(map[ticketHash][]byte)} }

// put remembers a copy of the master secret of a session.
func (s *Sessions) put(ticket ticketHash, master []byte) {
	s.learned++
	if old := s.masters[ticket]; old != nil {
		clear(old)
	} else {
		s.order = append(s.order, ticket)
	}
	s.masters[ticket] = append([]byte(nil), master...)
	if len(s.order) > maxSessions {
		clear(s.masters[s.order[0]])
		delete(s.masters, s.order[0])
		s.order = s.order[1:]
	}
}

// Wipe zeroes and forgets all secrets.
func (s *Sessions) Wipe() {
	for _, master := range s.masters {
		clear(master)
	}
	*s = Sessions{masters: make(map[ticketHash][]byte), learned: s.learned + 1}
}

// newTicket takes the ticket that the server gives to a session of TLS 1.2.
func (c *Conn) newTicket(s *side, body []byte) {
	if s.phase != cleartext || c.session.server == nil || c.session.is13() || s.dir == c.session.dir {
		return
	}
	ticket, err := handshake.ParseNewSessionTicket12(body)
	if err != nil || len(ticket) == 0 {
		return
	}
	c.session.ticket, c.session.hasTicket = sha256.Sum256(ticket), true
	c.remember()
}

// remember enters the session, once its ticket and its secret are known.
func (c *Conn) remember() {
	if c.session.hasTicket && c.session.master != nil {
		c.sessions.put(c.session.ticket, c.session.master)
	}
}

// resumable returns the secret of the session that the ClientHello offers to resume, or
// nil.
func (c *Conn) resumable() []byte {
	if h := c.session.client; h.hasTicket && c.session.resumed() {
		return c.sessions.masters[h.ticket]
	}
	return nil
}
