// Package clienthello reads what a TLS client offers (RFC 8446 §4.1.2), from its
// first bytes. It does no I/O.
package clienthello

import (
	"crypto/tls"

	"h2trace/decoder/tls/handshake"
)

// Offer is what a client offers, in its order.
type Offer struct {
	ALPN     []string
	Versions []string // as in "TLS 1.3"
	SNI      string
}

// offer returns what a message offers. ok is false if it is no ClientHello, or a malformed one.
func offer(m handshake.Message) (o Offer, ok bool) {
	if m.Type != handshake.TypeClientHello {
		return Offer{}, false
	}
	h, err := handshake.ParseClientHello(m.Body)
	if err != nil {
		return Offer{}, false
	}
	return Of(h), true
}

// Of returns what a ClientHello offers.
func Of(h *handshake.ClientHello) Offer {
	o := Offer{ALPN: h.ALPN, SNI: h.SNI}
	for _, v := range h.Versions {
		o.Versions = append(o.Versions, tls.VersionName(v))
	}
	return o
}
