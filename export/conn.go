package export

import (
	"net/netip"
	"time"

	"h2trace/decoder"
)

// The protocols of a conn event. Cleartext HTTP/2 is h2c.
const (
	ProtocolH2     = "h2"
	ProtocolH2C    = "h2c"
	ProtocolHTTP11 = "http/1.1"
	ProtocolDNS    = "dns"
	ProtocolQUIC   = "quic" // nothing in it is decoded
)

// Joined says whether a connection was observed from its first byte.
type Joined string

// The values of Joined; empty is unknown.
const (
	JoinedStart Joined = "start"
	JoinedMid   Joined = "mid"
)

// Conn holds what each conn event prints, so that a close event can be read without the
// open event. Empty strings, nil and the zero AddrPort are unknown and printed as null.
type Conn struct {
	Local, Remote netip.AddrPort
	Role          decoder.Role
	Protocol      string
	Joined        Joined
	TLS           *TLS
	Offer         *Offer
	// DNS, Connect and Handshake are the times to establish the connection.
	DNS, Connect, Handshake *time.Duration
	// Name is the name that was resolved to the peer's address, or the name in a query.
	Name string
	// Via is the URL, without credentials, of the HTTP proxy on the way. It is empty if
	// there is none, or none is known.
	Via string
	// Source says where the bytes are taken; empty where there are none.
	Source Source
	// Reason says why nothing of a connection with TLS is decoded, or is empty.
	Reason string
	// QUIC is the version of QUIC, as in "QUIC v1"; empty for others.
	QUIC string
}

// Source says where the bytes of a connection are taken.
type Source string

// The sources. SourceWire is from packets, with session secrets where they are encrypted.
// SourceCalls is from the calls of the process.
const (
	SourceWire  Source = "wire"
	SourceCalls Source = "calls"
)

// Path holds what TCP measured on the path to the peer; nil is unknown.
type Path struct {
	RTT, MinRTT                    *time.Duration // smoothed, and the minimum
	RcvRTT                         *time.Duration // smoothed, as the receiver of much data sees it
	Retransmits                    uint64         // retransmitted segments
	OutOfOrder                     uint64         // segments received after a missing one
	Holes                          *uint64        // how often one was the first to show that another is missing
	SegmentsSent, SegmentsReceived uint64
	MSS                            *uint64 // bytes that a sent segment may hold
	TTL                            *uint64 // of a received packet
	Unread                         *uint64 // bytes that came, and that the process has not read
	Unsent                         *uint64 // bytes that the process has written, and that TCP has not sent
}

// TLS holds what the handshake negotiated.
type TLS struct {
	Version string // as in "TLS 1.3"
	ALPN    string
	SNI     string
	Resumed *bool
	Cipher  string         // as IANA names it
	Verify  *time.Duration // time of a client for the server's certificate, a part of the handshake
	Issuer  string         // of the server's certificate
	// PublicIssuer says that its chain names a public certificate authority.
	PublicIssuer bool
}

// Offer holds what a client offers in its ClientHello.
type Offer struct {
	ALPN, Versions []string
	SNI            string
}

// Conn prints a conn event.
func (j *JSONL) Conn(m Meta, c *Conn, e ConnEvent) {
	b, ok := j.begin(KindConn)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindConn)
	b = appendText(b, "action", e.action())
	b = appendAddr(b, "local", c.Local)
	b = appendAddr(b, "remote", c.Remote)
	b = appendTextOrNull(b, "role", roleName(c.Role))
	b = appendTextOrNull(b, "protocol", c.Protocol)
	b = appendTextOrNull(b, "joined", string(c.Joined))
	b = j.enc.appendTLS(b, c.TLS, c.Offer)
	b = appendMillisOrNull(b, "dns_ms", c.DNS)
	b = appendMillisOrNull(b, "connect_ms", c.Connect)
	b = appendMillisOrNull(b, "tls_ms", c.Handshake)
	b = j.enc.appendTextOrNull(b, "name", c.Name)
	b = j.enc.appendTextOrNull(b, "via", c.Via)
	if c.Source != "" {
		b = appendText(b, "source", string(c.Source))
	}
	if c.Reason != "" {
		b = j.enc.appendText(b, "reason", c.Reason)
	}
	if c.QUIC != "" {
		b = j.enc.appendText(b, "quic_version", c.QUIC)
	}
	b = e.appendKeys(&j.enc.screen, b)
	j.out.end(append(b, '}'))
}

// appendPath appends the keys of a path, and frames between the older and the newer
// keys.
func appendPath(b []byte, p *Path, frames *uint64) []byte {
	if p == nil {
		b = append(b, `,"rtt_ms":null,"retransmits":null`...)
		b = appendIntOrNull(b, "frames", frames)
		return append(b, `,"min_rtt_ms":null,"out_of_order":null,"segments_sent":null,"segments_received":null,"holes":null,"rcv_rtt_ms":null,"mss":null,"ttl":null,"unread_bytes":null,"unsent_bytes":null`...)
	}
	b = appendMillisOrNull(b, "rtt_ms", p.RTT)
	b = appendIntOrNull(b, "retransmits", &p.Retransmits)
	b = appendIntOrNull(b, "frames", frames)
	b = appendMillisOrNull(b, "min_rtt_ms", p.MinRTT)
	b = appendIntOrNull(b, "out_of_order", &p.OutOfOrder)
	b = appendIntOrNull(b, "segments_sent", &p.SegmentsSent)
	b = appendIntOrNull(b, "segments_received", &p.SegmentsReceived)
	b = appendIntOrNull(b, "holes", p.Holes)
	b = appendMillisOrNull(b, "rcv_rtt_ms", p.RcvRTT)
	b = appendIntOrNull(b, "mss", p.MSS)
	b = appendIntOrNull(b, "ttl", p.TTL)
	b = appendIntOrNull(b, "unread_bytes", p.Unread)
	return appendIntOrNull(b, "unsent_bytes", p.Unsent)
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

// appendAddr appends an address as Go programs print it: an IPv4 peer of a dual-stack
// socket as IPv4.
func appendAddr(b []byte, key string, a netip.AddrPort) []byte {
	b = appendKey(b, key)
	if !a.IsValid() {
		return append(b, "null"...)
	}
	b, _ = appendString(b, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String())
	return b
}

// appendTLS appends what was negotiated, and what the client offered. Without t, the SNI
// is the one that the client offered.
func (s *screen) appendTLS(b []byte, t *TLS, o *Offer) []byte {
	if t == nil && o == nil {
		return append(b, `,"tls":null`...)
	}
	if t == nil {
		t = &TLS{SNI: o.SNI}
	}
	b = append(b, `,"tls":{"version":`...)
	b = s.appendStringOrNull(b, t.Version)
	b = s.appendTextOrNull(b, "alpn", t.ALPN)
	b = s.appendTextOrNull(b, "sni", t.SNI)
	b = appendBoolOrNull(b, "resumed", t.Resumed)
	b = s.appendTextOrNull(b, "cipher", t.Cipher)
	b = appendMillisOrNull(b, "verify_ms", t.Verify)
	if t.Issuer != "" {
		b = s.appendText(b, "issuer", t.Issuer)
		b = appendBoolOrNull(b, "issuer_public", &t.PublicIssuer)
	}
	if o != nil {
		b = s.appendTexts(b, "offered_alpn", o.ALPN)
		b = s.appendTexts(b, "offered_versions", o.Versions)
	}
	return append(b, '}')
}
