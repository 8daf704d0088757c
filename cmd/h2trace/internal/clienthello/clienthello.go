// Package clienthello reads what a TLS client offers (RFC 8446 §4.1.2), from its
// first bytes. It does no I/O.
package clienthello

import (
	"crypto/tls"

	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// maxLength bounds the record of a ClientHello (RFC 8446 §5.1), with its header.
const maxLength = record.HeaderSize + record.MaxPlaintext

// Offer is what a client offers, in its order.
type Offer struct {
	ALPN     []string
	Versions []string // as in "TLS 1.3"
	SNI      string
}

// parse reads an offer from the first records of a client. ok is false when they hold no
// ClientHello, or an incomplete one.
func parse(b []byte) (o Offer, ok bool) {
	var messages handshake.Assembler
	for len(b) >= record.HeaderSize {
		n := record.HeaderSize + int(b[3])<<8 + int(b[4])
		if len(b) < n {
			break
		}
		messages.Take(b[record.HeaderSize:n])
		b = b[n:]
		if m, ok := messages.Next(); ok {
			h, err := handshake.ParseClientHello(m.Body)
			return Of(h), err == nil && m.Type == handshake.TypeClientHello && !m.Truncated
		}
	}
	return Offer{}, false
}

// Of returns what a ClientHello offers.
func Of(h *handshake.ClientHello) Offer {
	o := Offer{ALPN: h.ALPN, SNI: h.SNI}
	for _, v := range h.Versions {
		o.Versions = append(o.Versions, tls.VersionName(v))
	}
	return o
}
