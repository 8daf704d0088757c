package quic

import "fmt"

// Version is the version of a packet (RFC 8999 §5.1).
type Version uint32

// The versions whose Initial packets are opened, and the number that stands for a
// Version Negotiation packet (RFC 8999 §6).
const (
	Version1 Version = 0x00000001 // RFC 9000
	Version2 Version = 0x6b3343cf // RFC 9369

	versionNegotiation Version = 0
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

// versionSpec is what the versions specify differently.
type versionSpec struct {
	initialSalt [20]byte
	labelPrefix string        // of the labels that keys derive from
	types       [4]packetType // by Long Packet Type, the bits of a long header
}

// packetType is the type of a packet with a long header (RFC 9000 §17.2).
type packetType uint8

const (
	typeInitial packetType = iota
	type0RTT
	typeHandshake
	typeRetry
)

var knownVersions = map[Version]*versionSpec{
	Version1: { // RFC 9001 §5.2, RFC 9000 §17.2
		initialSalt: [20]byte{
			0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
		},
		labelPrefix: "quic ",
		types:       [4]packetType{typeInitial, type0RTT, typeHandshake, typeRetry},
	},
	Version2: { // RFC 9369 §3
		initialSalt: [20]byte{
			0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
			0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
		},
		labelPrefix: "quicv2 ",
		types:       [4]packetType{typeRetry, typeInitial, type0RTT, typeHandshake},
	},
}
