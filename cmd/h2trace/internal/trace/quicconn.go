package trace

import (
	stdtls "crypto/tls"

	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/decoder/quic"
	"h2trace/export"
)

// notOpenedQUIC is why nothing in a connection of QUIC is decoded.
const notOpenedQUIC = "not decrypted: QUIC is not opened"

// quicConn is a connection of QUIC.
type quicConn struct {
	connInfo
	known *quic.Connection
}

// is reports whether it is the connection: if its ClientHello was read twice, they have
// the same random.
func (c *quicConn) is(o *quic.Connection) bool {
	return c.known == o || c.known.ClientHello != nil && o.ClientHello != nil && c.known.ClientHello.Random == o.ClientHello.Random
}

func (c *quicConn) learn(known *quic.Connection) {
	c.known = known
	c.event.QUIC = known.Version.String()
	if known.ClientHello != nil {
		c.event.Offer = offerOf(clienthello.Of(known.ClientHello))
	}
	hello := known.ServerHello
	if hello == nil {
		return
	}
	c.event.TLS = &export.TLS{
		Version: stdtls.VersionName(hello.Version()), Cipher: stdtls.CipherSuiteName(hello.CipherSuite),
		Resumed: new(hello.SelectedPSK != nil),
	}
	if c.event.Offer != nil {
		c.event.TLS.SNI = c.event.Offer.SNI
	}
}
