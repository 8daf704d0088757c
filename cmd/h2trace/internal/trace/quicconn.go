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
	return c.known == o || c.known.Hello != nil && o.Hello != nil && c.known.Hello.Random == o.Hello.Random
}

func (c *quicConn) learn(known *quic.Connection) {
	c.known = known
	c.event.QUIC = known.Version.String()
	if known.Hello != nil {
		c.event.Offer = offerOf(clienthello.Of(known.Hello))
	}
	answer := known.Answer
	if answer == nil {
		return
	}
	c.event.TLS = &export.TLS{
		Version: stdtls.VersionName(answer.Version()), Cipher: stdtls.CipherSuiteName(answer.CipherSuite),
		Resumed: new(answer.SelectedPSK != nil),
	}
	if c.event.Offer != nil {
		c.event.TLS.SNI = c.event.Offer.SNI
	}
}
