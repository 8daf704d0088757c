package handshake

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// ClientHello is what a client offers (RFC 8446 §4.1.2), in its order. It shares no
// memory with the message.
type ClientHello struct {
	LegacyVersion uint16
	Random        [32]byte
	SessionID     []byte
	CipherSuites  []uint16 // GREASE values (RFC 8701) among them
	// SNI is the host_name of server_name. With ECH it is the outer name.
	SNI  string
	ALPN []string
	// Versions are those of supported_versions, without GREASE values. Without the
	// extension they are the versions up to LegacyVersion, as crypto/tls lists them.
	Versions       []uint16
	PSKs           int // identities in pre_shared_key
	EarlyData      bool
	SessionTicket  []byte // a ticket of TLS 1.2 (RFC 5077 §3.2), empty for none
	QUIC           bool   // quic_transport_parameters are there
	ECH            bool   // encrypted_client_hello is there, or a GREASE one (RFC 9849 §6.2)
	EncryptThenMAC bool
}

// ParseClientHello parses the body of a ClientHello. With an error it returns the
// fields that it could read.
func ParseClientHello(body []byte) (*ClientHello, error) {
	h := new(ClientHello)
	err := h.parse(body)
	if h.Versions == nil {
		h.Versions = versionsUpTo(h.LegacyVersion)
	}
	return h, err
}

func (h *ClientHello) parse(body []byte) error {
	s := cryptobyte.String(body)
	var suites, compression cryptobyte.String
	switch {
	case !s.ReadUint16(&h.LegacyVersion):
		return malformed(TypeClientHello, "legacy_version")
	case !s.CopyBytes(h.Random[:]):
		return malformed(TypeClientHello, "random")
	case !readSessionID(&s, &h.SessionID):
		return malformed(TypeClientHello, "legacy_session_id")
	case !s.ReadUint16LengthPrefixed(&suites) || len(suites)%2 != 0:
		return malformed(TypeClientHello, "cipher_suites")
	}
	h.CipherSuites = make([]uint16, len(suites)/2)
	for i := range h.CipherSuites {
		suites.ReadUint16(&h.CipherSuites[i])
	}
	switch {
	case !s.ReadUint8LengthPrefixed(&compression):
		return malformed(TypeClientHello, "legacy_compression_methods")
	case s.Empty(): // TLS 1.2 allows a hello without extensions (RFC 5246 §7.4.1.2)
		return nil
	}
	return readers{
		extServerName:        h.readServerName,
		extALPN:              func(s *cryptobyte.String) bool { return readALPN(s, &h.ALPN) },
		extSupportedVersions: h.readVersions,
		extPreSharedKey:      h.readPSKs,
		extSessionTicket:     h.readTicket,
		extEarlyData:         present(&h.EarlyData),
		extQUIC:              present(&h.QUIC),
		extECH:               present(&h.ECH),
		extEncryptThenMAC:    present(&h.EncryptThenMAC),
	}.read(TypeClientHello, s)
}

// readServerName reads a ServerNameList (RFC 6066 §3), which has at most one name of
// a type.
func (h *ClientHello) readServerName(s *cryptobyte.String) bool {
	const hostName = 0
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || list.Empty() {
		return false
	}
	for !list.Empty() {
		var kind uint8
		var name cryptobyte.String
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) || name.Empty() {
			return false
		}
		if kind != hostName {
			continue
		}
		if h.SNI != "" {
			return false
		}
		h.SNI = string(name)
	}
	return true
}

func (h *ClientHello) readVersions(s *cryptobyte.String) bool {
	h.Versions = []uint16{}
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) || list.Empty() {
		return false
	}
	for !list.Empty() {
		var v uint16
		if !list.ReadUint16(&v) {
			return false
		}
		if !isGREASE(v) {
			h.Versions = append(h.Versions, v)
		}
	}
	return true
}

// readPSKs counts identities, and skips the binders after them (RFC 8446 §4.2.11).
func (h *ClientHello) readPSKs(s *cryptobyte.String) bool {
	var identities, binders cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&identities) {
		return false
	}
	for !identities.Empty() {
		var identity cryptobyte.String
		var age uint32
		if !identities.ReadUint16LengthPrefixed(&identity) || !identities.ReadUint32(&age) {
			return false
		}
		h.PSKs++
	}
	return s.ReadUint16LengthPrefixed(&binders)
}

func (h *ClientHello) readTicket(s *cryptobyte.String) bool {
	h.SessionTicket = append(h.SessionTicket, *s...)
	return s.Skip(len(*s))
}

// readSessionID reads a copy of a session ID.
func readSessionID(s *cryptobyte.String, to *[]byte) bool {
	var id cryptobyte.String
	ok := s.ReadUint8LengthPrefixed(&id)
	*to = slices.Clone(id)
	return ok
}
