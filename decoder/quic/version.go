package quic

import "fmt"

// Version is the version of a packet (RFC 8999 §5.1).
type Version uint32

// The versions whose Initial packets are opened, and the number that stands for a
// Version Negotiation packet (RFC 8999 §6).
const (
	Version1 Version = 0x00000001 // RFC 9000
	Version2 Version = 0x6b3343cf // RFC 9369

	negotiation Version = 0
)

// String returns "QUIC v1", "QUIC v2", or the number, as in "QUIC 0xff00001d".
func (v Version) String() string {
	switch v {
	case Version1:
		return "QUIC v1"
	case Version2:
		return "QUIC v2"
	}
	return fmt.Sprintf("QUIC %#08x", uint32(v))
}

// dialect is in what the versions differ.
type dialect struct {
	salt [20]byte // initial_salt
	// label is the beginning of the labels of keys.
	label string
	// kinds are the kinds of packets, by the type bits of a long header.
	kinds [4]kind
}

// kind is what a packet is.
type kind uint8

const (
	initial kind = iota
	zeroRTT
	handshakePacket
	retry
)

var dialects = map[Version]*dialect{
	Version1: { // RFC 9001 §5.2, RFC 9000 §17.2
		salt: [20]byte{
			0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
		},
		label: "quic ",
		kinds: [4]kind{initial, zeroRTT, handshakePacket, retry},
	},
	Version2: { // RFC 9369 §3
		salt: [20]byte{
			0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
			0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
		},
		label: "quicv2 ",
		kinds: [4]kind{retry, initial, zeroRTT, handshakePacket},
	},
}
