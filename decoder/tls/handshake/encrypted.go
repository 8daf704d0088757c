package handshake

import "golang.org/x/crypto/cryptobyte"

// EncryptedExtensions is what a server of TLS 1.3 selects after the ServerHello
// (RFC 8446 §4.3.1).
type EncryptedExtensions struct {
	ALPN      string
	EarlyData bool // the server accepts it
}

// ParseEncryptedExtensions parses the body of EncryptedExtensions. With an error it
// returns the fields that it could read.
func ParseEncryptedExtensions(body []byte) (*EncryptedExtensions, error) {
	e := new(EncryptedExtensions)
	err := readers{
		extALPN:      selectedALPN(&e.ALPN),
		extEarlyData: present(&e.EarlyData),
	}.read(TypeEncryptedExtensions, body)
	return e, err
}

// ParseKeyUpdate parses the body of a KeyUpdate (RFC 8446 §4.6.3). requested says that
// the sender wants the peer to update its keys too.
func ParseKeyUpdate(body []byte) (requested bool, err error) {
	if len(body) != 1 || body[0] > 1 {
		return false, malformed(TypeKeyUpdate, "request_update")
	}
	return body[0] == 1, nil
}

// ParseNewSessionTicket12 returns the ticket in the body of a NewSessionTicket of TLS 1.2
// (RFC 5077 §3.3). It is part of body, and empty where the server has none after all.
func ParseNewSessionTicket12(body []byte) (ticket []byte, err error) {
	s := cryptobyte.String(body)
	var lifetime uint32
	var t cryptobyte.String
	switch {
	case !s.ReadUint32(&lifetime):
		return nil, malformed(TypeNewSessionTicket, "ticket_lifetime_hint")
	case !s.ReadUint16LengthPrefixed(&t) || !s.Empty():
		return nil, malformed(TypeNewSessionTicket, "ticket")
	}
	return t, nil
}
