package quic

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
)

// maxIDLength is the longest connection ID of the known versions (RFC 9000 §17.2).
const maxIDLength = 20

// packet is a packet with a long header (RFC 8999 §5.1, RFC 9000 §17.2). It shares the
// memory of its datagram.
type packet struct {
	version      Version
	dialect      *dialect // nil if the version is not known, and the fields below
	kind         kind
	dest, source []byte // connection IDs
	b            []byte // the whole packet, nil if it is not all there
	number       int    // offset of the packet number in b
}

// parsePacket parses the first packet of a datagram, and returns the bytes after it. ok
// is false if there is no packet with a long header.
func parsePacket(b []byte) (p packet, rest []byte, ok bool) {
	s := cryptobyte.String(b)
	var first uint8
	var version uint32
	var dest, source cryptobyte.String
	if !s.ReadUint8(&first) || first&0x80 == 0 || !s.ReadUint32(&version) ||
		!s.ReadUint8LengthPrefixed(&dest) || !s.ReadUint8LengthPrefixed(&source) {
		return packet{}, nil, false
	}
	p = packet{version: Version(version), dialect: dialects[Version(version)], dest: dest, source: source}
	if p.dialect == nil {
		return p, nil, true
	}
	if len(dest) > maxIDLength || len(source) > maxIDLength {
		return packet{}, nil, false
	}
	p.kind = p.dialect.kinds[first>>4&3]
	if p.kind == retry { // has no length
		return p, nil, true
	}
	var tokenLength, length uint64
	if p.kind == initial && (!readVarint(&s, &tokenLength) || tokenLength > uint64(len(s)) || !s.Skip(int(tokenLength))) {
		return packet{}, nil, false
	}
	if !readVarint(&s, &length) {
		return packet{}, nil, false
	}
	p.number = len(b) - len(s)
	if length > uint64(len(s)) {
		return p, nil, true
	}
	end := p.number + int(length)
	p.b = b[:end:end]
	return p, b[end:], true
}

// readVarint reads an integer of variable length (RFC 9000 §16).
func readVarint(s *cryptobyte.String, v *uint64) bool {
	if len(*s) == 0 {
		return false
	}
	var buf [8]byte
	n := 1 << ((*s)[0] >> 6)
	if !s.CopyBytes(buf[8-n:]) {
		return false
	}
	buf[8-n] &= 0x3f
	*v = binary.BigEndian.Uint64(buf[:])
	return true
}
