package tls

import (
	"crypto/sha256"

	"h2trace/decoder"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// session is what the hellos of a handshake agree on. A renegotiation replaces it.
type session struct {
	client *hello                 // nil: not seen
	server *handshake.ServerHello // nil: not seen, or only a HelloRetryRequest
	dir    decoder.Direction      // of the client
	suite  record.Suite
	known  bool // package record opens the suite in this version
	// retried says that a HelloRetryRequest was sent, which is TLS 1.3.
	retried bool
	// certified says that the server sent a certificate.
	certified bool
	// Of TLS 1.2: the ticket by which it may be resumed, and the secret that opens it.
	ticket    ticketHash
	hasTicket bool
	master    []byte // belongs to secrets
}

// hello is what is kept of a ClientHello, which may be long.
type hello struct {
	random    [32]byte
	sessionID []byte
	ticket    ticketHash // of TLS 1.2
	hasTicket bool
	earlyData bool
}

func newHello(h *handshake.ClientHello) *hello {
	return &hello{h.Random, h.SessionID, sha256.Sum256(h.SessionTicket), len(h.SessionTicket) > 0, h.EarlyData}
}

// is13 reports whether the version is known and TLS 1.3.
func (s *session) is13() bool { return s.server != nil && s.server.Version() == uint16(record.TLS13) }

// choose takes the ServerHello.
func (s *session) choose(h *handshake.ServerHello) {
	s.server = h
	s.suite, s.known = record.SuiteByID(h.CipherSuite)
	// Encrypt-then-MAC (RFC 7366) is for CBC suites, and crypto/tls has none of it.
	s.known = s.known && uint16(s.suite.Version()) == h.Version() && !h.EncryptThenMAC
}

// resumed reports whether the server resumes a session: it selected a PSK (RFC 8446
// §4.2.11), or echoed the session ID (RFC 5246 §7.4.1.3).
func (s *session) resumed() bool {
	if s.is13() {
		return s.server.SelectedPSK != nil
	}
	return len(s.server.SessionID) > 0 && string(s.server.SessionID) == string(s.client.sessionID)
}

// phase is how the records of a direction are protected.
type phase uint8

const (
	cleartext     phase = iota
	handshake13         // handshake keys of TLS 1.3
	application13       // application keys of TLS 1.3, of any generation
	protected12         // after change_cipher_spec
)

// label returns the label of the secret of a phase.
func (p phase) label(client bool) string {
	switch {
	case p == protected12:
		return labelMaster
	case p == handshake13 && client:
		return labelClientHandshake
	case p == handshake13:
		return labelServerHandshake
	case client:
		return labelClientApplication
	}
	return labelServerApplication
}

// values returns the secrets of a phase that are known.
func (c *Conn) values(dir decoder.Direction, p phase) [][]byte {
	s := &c.session
	if s.client == nil || s.server == nil || !s.known {
		return nil
	}
	if p == protected12 {
		c.secrets.add(labelMaster, s.client.random, c.resumable())
	}
	return c.secrets.of(p.label(dir == s.dir), s.client.random)
}

func (s *session) reader(p phase, value []byte, client bool) (*record.Reader, error) {
	if p != protected12 {
		return record.NewTLS13(s.suite, value)
	}
	ofClient, ofServer, err := record.NewTLS12(s.suite, value, s.client.random[:], s.server.Random[:])
	if err != nil {
		return nil, err
	}
	if client {
		ofServer.Wipe()
		return ofClient, nil
	}
	ofClient.Wipe()
	return ofServer, nil
}
