package export

import (
	"net/netip"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// ConnAction is what happened to a connection.
type ConnAction string

// The actions of a conn event.
const (
	ConnOpen  ConnAction = "open"
	ConnClose ConnAction = "close"
	// ConnResync is for a direction of a connection whose frame boundaries
	// were lost and are found again.
	ConnResync ConnAction = "resync"
	// ConnDNS is for a query to a name server; Local and Remote are those of
	// the query.
	ConnDNS ConnAction = "dns"
	// ConnFailed is for a connection that was not made: there was no address,
	// nobody accepted, or the TLS handshake failed.
	ConnFailed ConnAction = "failed"
	// ConnSilent is for a connection on which nothing went while it was observed,
	// printed when that ends.
	ConnSilent ConnAction = "silent"
)

// The protocols of a conn event. Cleartext HTTP/2 is h2c.
const (
	ProtocolH2     = "h2"
	ProtocolH2C    = "h2c"
	ProtocolHTTP11 = "http/1.1"
	ProtocolDNS    = "dns"
)

// Joined says whether a connection was observed from its first byte.
type Joined string

// The values of Joined; empty is unknown.
const (
	JoinedStart Joined = "start"
	JoinedMid   Joined = "mid"
)

// ConnState says how far a silent connection has come.
type ConnState string

// The states.
const (
	StateConnecting ConnState = "connecting"
	StateConnected  ConnState = "connected"
	StateClosed     ConnState = "closed" // at that moment
)

// Conn is a change of a connection. Empty strings, nil and the zero AddrPort
// are unknown and printed as null. It is printed whole on each action, so that
// a close event can be read without the open event.
type Conn struct {
	Action        ConnAction
	Local, Remote netip.AddrPort
	Role          decoder.Role
	Protocol      string
	Joined        Joined
	TLS           *TLS
	Offer         *Offer
	// DNS, Connect and Handshake are how long each took when the connection
	// was made.
	DNS, Connect, Handshake *time.Duration
	// Name is what was resolved to the peer's address, or what a query asks for.
	Name string

	// Via is the URL, without credentials, of the HTTP proxy that it is made
	// through; empty where it is through none, or that is not known.
	Via string
	// Query is for ConnDNS.
	Query *Query

	// Error is for ConnFailed, and for ConnClose where client and server did not
	// speak the same; of ConnFailed, Proxy is the entry of GOPROXY that it was to,
	// Next what a go command asks instead: another, goproxy.Direct, goproxy.Off or
	// goproxy.None, and Barred the entry that a "," keeps from being asked, or "".
	Error               *exchange.Error
	Proxy, Next, Barred string

	// For ConnSilent: its state, for how long no data went, and in which direction
	// the last did; nil is unknown. Last is nil also where none ever did.
	State  ConnState
	Silent *time.Duration
	Last   *decoder.Direction
	// OtherWay is for how long no data went the other way than Last.
	OtherWay *time.Duration

	// Dir and Skipped are for ConnResync: the direction, and how many of its
	// bytes were seen and not decoded.
	Dir     decoder.Direction
	Skipped int64

	// For ConnClose: bytes of plaintext, and frames in both directions. For
	// ConnSilent: bytes that TCP has moved.
	BytesSent, BytesReceived *uint64
	Frames                   *uint64
	Path                     *Path
}

// Query is a question to a name server and its answer.
type Query struct {
	Type    string
	RCode   string // empty when it was not answered
	Answers []string
}

// Path is what TCP knew of the way to the peer; nil is unknown.
type Path struct {
	RTT, MinRTT                    *time.Duration // smoothed, and the least
	Retransmits                    uint64         // segments sent again
	OutOfOrder                     uint64         // segments received behind one that was missing
	SegmentsSent, SegmentsReceived uint64
}

// TLS is what the handshake agreed on.
type TLS struct {
	Version string // as in "TLS 1.3"
	ALPN    string
	SNI     string
	Resumed *bool
	Cipher  string         // as IANA names it
	Verify  *time.Duration // of the peer's certificate, a part of the handshake
}

// Offer is what a client offers when a TLS handshake begins.
type Offer struct {
	ALPN, Versions []string
	SNI            string
}

// Conn prints a conn event.
func (j *JSONL) Conn(m Meta, c *Conn) {
	if j.filter.hidden[KindConn] {
		return
	}
	b, ok := j.out.begin()
	if !ok {
		return
	}
	b = j.appendMeta(b, &m, KindConn)
	b = appendText(b, "action", string(c.Action))
	b = appendAddr(b, "local", c.Local)
	b = appendAddr(b, "remote", c.Remote)
	b = appendTextOrNull(b, "role", roleName(c.Role))
	b = appendTextOrNull(b, "protocol", c.Protocol)
	b = appendTextOrNull(b, "joined", string(c.Joined))
	b = appendTLS(b, c.TLS, c.Offer)
	b = appendMillisOrNull(b, "dns_ms", c.DNS)
	b = appendMillisOrNull(b, "connect_ms", c.Connect)
	b = appendMillisOrNull(b, "tls_ms", c.Handshake)
	b = appendTextOrNull(b, "name", c.Name)
	b = appendTextOrNull(b, "via", c.Via)
	switch c.Action {
	case ConnResync:
		b = appendText(b, "dir", c.Dir.String())
		b = appendKey(b, "skipped_bytes")
		b = appendInteger(b, uint64(c.Skipped))
	case ConnClose:
		b = appendIntOrNull(b, "bytes_sent", c.BytesSent)
		b = appendIntOrNull(b, "bytes_received", c.BytesReceived)
		b = appendPath(b, c.Path, c.Frames)
		if c.Error != nil {
			b = j.appendError(b, c.Error)
		}
	case ConnDNS:
		b = appendQuery(b, c.Query)
	case ConnSilent:
		b = appendTextOrNull(b, "proxy", c.Proxy)
		b = appendIntOrNull(b, "bytes_sent", c.BytesSent)
		b = appendIntOrNull(b, "bytes_received", c.BytesReceived)
		b = appendText(b, "state", string(c.State))
		b = appendMillisOrNull(b, "silent_ms", c.Silent)
		b = appendTextOrNull(b, "last", directionName(c.Last))
		b = appendMillisOrNull(b, "other_way_ms", c.OtherWay)
	case ConnFailed:
		b = j.appendError(b, c.Error)
		b = appendTextOrNull(b, "proxy", c.Proxy)
		b = appendTextOrNull(b, "next", c.Next)
		b = appendBarred(b, c.Barred)
	}
	j.out.end(append(b, '}'))
}

func appendQuery(b []byte, q *Query) []byte {
	b = appendText(b, "type", q.Type)
	b = appendTextOrNull(b, "rcode", q.RCode)
	return appendTexts(b, "answers", q.Answers)
}

func appendTexts(b []byte, key string, list []string) []byte {
	b = append(appendKey(b, key), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = appendString(b, s)
	}
	return append(b, ']')
}

// appendPath appends the keys of a path, and frames between the older and the
// newer ones.
func appendPath(b []byte, p *Path, frames *uint64) []byte {
	if p == nil {
		b = append(b, `,"rtt_ms":null,"retransmits":null`...)
		b = appendIntOrNull(b, "frames", frames)
		return append(b, `,"min_rtt_ms":null,"out_of_order":null,"segments_sent":null,"segments_received":null`...)
	}
	b = appendMillisOrNull(b, "rtt_ms", p.RTT)
	b = appendIntOrNull(b, "retransmits", &p.Retransmits)
	b = appendIntOrNull(b, "frames", frames)
	b = appendMillisOrNull(b, "min_rtt_ms", p.MinRTT)
	b = appendIntOrNull(b, "out_of_order", &p.OutOfOrder)
	b = appendIntOrNull(b, "segments_sent", &p.SegmentsSent)
	return appendIntOrNull(b, "segments_received", &p.SegmentsReceived)
}

func directionName(d *decoder.Direction) string {
	if d == nil {
		return ""
	}
	return d.String()
}

func roleName(r decoder.Role) string {
	switch r {
	case decoder.Client:
		return "client"
	case decoder.Server:
		return "server"
	}
	return ""
}

// appendAddr appends an address as Go programs print it: an IPv4 peer of a
// dual-stack socket as IPv4.
func appendAddr(b []byte, key string, a netip.AddrPort) []byte {
	b = appendKey(b, key)
	if !a.IsValid() {
		return append(b, "null"...)
	}
	b, _ = appendString(b, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String())
	return b
}

// appendTLS appends what was agreed on, and what was offered for it. The name
// that a client offers is the one that counts.
func appendTLS(b []byte, t *TLS, o *Offer) []byte {
	if t == nil && o == nil {
		return append(b, `,"tls":null`...)
	}
	if t == nil {
		t = &TLS{SNI: o.SNI}
	}
	b = append(b, `,"tls":{"version":`...)
	if t.Version == "" {
		b = append(b, "null"...)
	} else {
		b, _ = appendString(b, t.Version)
	}
	b = appendTextOrNull(b, "alpn", t.ALPN)
	b = appendTextOrNull(b, "sni", t.SNI)
	b = appendBoolOrNull(b, "resumed", t.Resumed)
	b = appendTextOrNull(b, "cipher", t.Cipher)
	b = appendMillisOrNull(b, "verify_ms", t.Verify)
	if o != nil {
		b = appendTexts(b, "offered_alpn", o.ALPN)
		b = appendTexts(b, "offered_versions", o.Versions)
	}
	return append(b, '}')
}
