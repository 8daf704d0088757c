package handshake

import (
	"cmp"

	"golang.org/x/crypto/cryptobyte"
)

// helloRetryRequest is the random that makes a ServerHello a HelloRetryRequest: the
// SHA-256 of that word (RFC 8446 §4.1.3).
var helloRetryRequest = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// ServerHello is what a server selects (RFC 8446 §4.1.3). It shares no memory with the
// message.
type ServerHello struct {
	LegacyVersion        uint16
	Random               [32]byte
	SessionID            []byte // of TLS 1.2, or the client's (legacy_session_id_echo)
	CipherSuite          uint16
	SupportedVersion     uint16  // of supported_versions, or 0
	SelectedPSK          *uint16 // nil without pre_shared_key
	ALPN                 string  // TLS 1.3 has it in EncryptedExtensions
	EncryptThenMAC       bool
	ExtendedMasterSecret bool
}

// ParseServerHello parses the body of a ServerHello or HelloRetryRequest. With an
// error it returns the fields that it could read.
func ParseServerHello(body []byte) (*ServerHello, error) {
	h := new(ServerHello)
	return h, h.parse(body)
}

// Version returns the version that the server selects.
func (h *ServerHello) Version() uint16 { return cmp.Or(h.SupportedVersion, h.LegacyVersion) }

// IsHelloRetryRequest reports whether the message asks for a second ClientHello
// (RFC 8446 §4.1.4).
func (h *ServerHello) IsHelloRetryRequest() bool { return h.Random == helloRetryRequest }

func (h *ServerHello) parse(body []byte) error {
	s := cryptobyte.String(body)
	var compression uint8
	switch {
	case !s.ReadUint16(&h.LegacyVersion):
		return malformed(TypeServerHello, "legacy_version")
	case !s.CopyBytes(h.Random[:]):
		return malformed(TypeServerHello, "random")
	case !readSessionID(&s, &h.SessionID):
		return malformed(TypeServerHello, "legacy_session_id_echo")
	case !s.ReadUint16(&h.CipherSuite):
		return malformed(TypeServerHello, "cipher_suite")
	case !s.ReadUint8(&compression):
		return malformed(TypeServerHello, "legacy_compression_method")
	case s.Empty(): // RFC 5246 §7.4.1.3
		return nil
	}
	return readers{
		extSupportedVersions: func(s *cryptobyte.String) bool { return s.ReadUint16(&h.SupportedVersion) },
		extPreSharedKey: func(s *cryptobyte.String) bool {
			h.SelectedPSK = new(uint16)
			return s.ReadUint16(h.SelectedPSK)
		},
		extALPN:                 selectedALPN(&h.ALPN),
		extEncryptThenMAC:       present(&h.EncryptThenMAC),
		extExtendedMasterSecret: present(&h.ExtendedMasterSecret),
	}.read(TypeServerHello, s)
}
