package quic

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls/handshake"
)

const (
	// maxAttempts bounds what a Flow knows at a time.
	maxAttempts = 4
	// minDatagram is the size to which a client expands datagrams with Initial packets
	// (RFC 9000 §14.1).
	minDatagram = 1200
	// minDCIDLength is the length of the shortest Destination Connection ID that a client
	// chooses (RFC 9000 §7.2).
	minDCIDLength = 8
)

// Connection is what is known of a QUIC connection. It begins with a ClientHello; in a
// version that is not known, with an answer to the client.
type Connection struct {
	Since       ktime.Time             // of its first packet
	Version     Version                // of its last packet that was opened
	ClientHello *handshake.ClientHello // nil if it was not seen, or is malformed
	ServerHello *handshake.ServerHello // nil if it was not seen yet
}

// Flow is the datagrams between two addresses, from their first one. It may carry
// several connections. It is not safe for concurrent use.
type Flow struct {
	budget   *tcp.Budget
	attempts []*attempt
}

// NewFlow returns a Flow of which nothing was seen yet. The budget bounds the bytes that
// wait for others in the Flows that share it.
func NewFlow(budget *tcp.Budget) *Flow { return &Flow{budget: budget} }

// attempt is a handshake that a client begins with a connection ID of its choice. It does
// so again after a Retry or a Version Negotiation packet.
type attempt struct {
	since   ktime.Time
	conn    *Connection // nil while it is not known to be one; others may have it, too
	version Version
	dcid    []byte // Destination Connection ID of its first packet
	scid    []byte // Source Connection ID of the client
	// keys of both sides, client first, by version: that can change (RFC 9368 §2.3).
	keys       map[Version]*[2]*keys
	streams    [2]cryptoStream
	negotiated bool // a Version Negotiation packet answers it
}

// Datagram takes the next datagram, or its beginning, and does not keep it. It returns
// the connection of which more is known now, or nil.
func (f *Flow) Datagram(at ktime.Time, fromClient bool, b []byte) (news *Connection) {
	expanded := len(b) >= minDatagram
	for {
		p, rest, ok := parsePacket(b)
		if !ok {
			return news
		}
		var c *Connection
		switch {
		case p.version == versionNegotiation:
			c = f.negotiate(fromClient, &p)
		case p.spec == nil:
			c = f.unknownVersion(at, fromClient, expanded, &p)
		case p.typ == typeInitial && p.b != nil:
			c = f.initial(at, fromClient, &p)
		}
		if c != nil {
			news = c
		}
		b = rest
	}
}

// Close frees what a Flow holds.
func (f *Flow) Close() {
	for _, a := range f.attempts {
		a.drop(f.budget)
	}
	f.attempts = nil
}

func (a *attempt) drop(budget *tcp.Budget) {
	for i := range a.streams {
		a.streams[i].drop(budget)
	}
}

// enter adds an attempt, and drops the oldest of too many.
func (f *Flow) enter(a *attempt) {
	if len(f.attempts) >= maxAttempts {
		f.attempts[0].drop(f.budget)
		f.attempts = slices.Delete(f.attempts, 0, 1)
	}
	f.attempts = append(f.attempts, a)
}

// negotiate takes a Version Negotiation packet. It repeats both connection IDs of the client
// (RFC 9000 §17.2.1).
func (f *Flow) negotiate(fromClient bool, p *packet) *Connection {
	for _, a := range f.attempts {
		if fromClient || !bytes.Equal(p.dcid, a.scid) || !bytes.Equal(p.scid, a.dcid) || a.negotiated {
			continue
		}
		a.negotiated = true
		if a.conn == nil && knownVersions[a.version] == nil {
			a.conn = a.connection()
			return a.conn
		}
	}
	return nil
}

// unknownVersion takes a packet of a version whose packets cannot be opened. An answer in that
// version, to the connection ID of the client, shows that it is QUIC.
func (f *Flow) unknownVersion(at ktime.Time, fromClient, expanded bool, p *packet) *Connection {
	for _, a := range f.attempts {
		switch {
		case a.version != p.version:
		case fromClient && bytes.Equal(p.dcid, a.dcid) && bytes.Equal(p.scid, a.scid):
			return nil // sent again
		case !fromClient && bytes.Equal(p.dcid, a.scid):
			if a.conn != nil {
				return nil
			}
			a.conn = a.connection()
			return a.conn
		}
	}
	if fromClient && expanded && len(p.dcid) >= minDCIDLength {
		f.enter(newAttempt(at, p))
	}
	return nil
}

func newAttempt(at ktime.Time, p *packet) *attempt {
	return &attempt{since: at, version: p.version, dcid: bytes.Clone(p.dcid), scid: bytes.Clone(p.scid)}
}

// connection returns a new connection that begins with an attempt.
func (a *attempt) connection() *Connection { return &Connection{Since: a.since, Version: a.version} }

// initial takes an Initial packet.
func (f *Flow) initial(at ktime.Time, fromClient bool, p *packet) *Connection {
	for _, a := range slices.Backward(f.attempts) {
		if frames, ok := a.open(fromClient, p); ok {
			return f.opened(a, fromClient, p.version, frames)
		}
	}
	if !fromClient || len(p.dcid) < minDCIDLength {
		return nil
	}
	a := newAttempt(at, p)
	frames, ok := a.open(fromClient, p)
	if !ok {
		return nil
	}
	f.enter(a)
	return f.opened(a, fromClient, p.version, frames)
}

// side is the place of a side in pairs of keys and streams.
func side(client bool) int {
	if client {
		return 0
	}
	return 1
}

// open opens a packet with the keys of an attempt. The client chooses its own connection
// ID once (RFC 9000 §7.2).
func (a *attempt) open(fromClient bool, p *packet) (frames []byte, ok bool) {
	own := p.dcid
	if fromClient {
		own = p.scid
	}
	if !bytes.Equal(own, a.scid) || knownVersions[a.version] == nil {
		return nil, false
	}
	both := a.keys[p.version]
	if both == nil {
		made, err := newKeys(p.spec, a.dcid)
		if err != nil { // there is no such case
			return nil, false
		}
		if a.keys == nil {
			a.keys = make(map[Version]*[2]*keys, 1)
		}
		both = &made
		a.keys[p.version] = both
	}
	return both[side(fromClient)].open(p)
}

// opened takes the frames of a packet.
func (f *Flow) opened(a *attempt, fromClient bool, v Version, frames []byte) (news *Connection) {
	a.version = v
	if a.conn != nil && a.conn.Version != v {
		a.conn.Version, news = v, a.conn
	}
	stream := &a.streams[side(fromClient)]
	s := cryptobyte.String(frames)
	for frame, ok := nextCrypto(&s); ok; frame, ok = nextCrypto(&s) {
		stream.add(frame, f.budget)
		for m, ok := stream.messages.Next(); ok; m, ok = stream.messages.Next() {
			if f.message(a, fromClient, &m) {
				news = a.conn
			}
		}
	}
	return news
}

// message takes a handshake message, and reports whether it says something new.
func (f *Flow) message(a *attempt, fromClient bool, m *handshake.Message) bool {
	switch {
	case fromClient && m.Type == handshake.TypeClientHello:
		if a.conn != nil { // a second one, after a HelloRetryRequest
			return false
		}
		hello, err := handshake.ParseClientHello(m.Body)
		if err != nil {
			hello = nil
		}
		a.conn = f.continued(a, hello)
		a.conn.Version = a.version
		if hello != nil {
			a.conn.ClientHello = hello
		}
		return true
	case !fromClient && m.Type == handshake.TypeServerHello:
		answer, err := handshake.ParseServerHello(m.Body)
		if err != nil || answer.IsHelloRetryRequest() {
			return false
		}
		if a.conn == nil { // its ClientHello was not seen
			a.conn = a.connection()
		}
		a.conn.ServerHello = answer
		a.drop(f.budget)
		return true
	}
	return false
}

// continued returns the connection that an attempt goes on with, or a new one. After a
// Retry the client repeats its ClientHello (RFC 9000 §17.2.5.3). After Version
// Negotiation it may make another one.
func (f *Flow) continued(a *attempt, hello *handshake.ClientHello) *Connection {
	for _, o := range f.attempts {
		if o == a || o.conn == nil {
			continue
		}
		if o.negotiated || hello != nil && o.conn.ClientHello != nil && o.conn.ClientHello.Random == hello.Random {
			o.negotiated = false
			return o.conn
		}
	}
	return a.connection()
}
