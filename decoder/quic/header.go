package quic

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
)

// maxCIDLength is the length of the longest connection ID of the known versions (RFC 9000 §17.2).
const maxCIDLength = 20

// packet is a packet with a long header (RFC 8999 §5.1, RFC 9000 §17.2). It shares the
// memory of its datagram.
type packet struct {
	version    Version
	spec       *versionSpec // nil if the version is not known, and the fields below
	typ        packetType
	dcid, scid []byte // Destination and Source Connection ID
	b          []byte // the whole packet, nil if it is not all there
	pnOffset   int    // offset of the Packet Number in b
}

// parsePacket parses the first packet of a datagram, and returns the bytes after it. ok
// is false if there is no packet with a long header.
func parsePacket(b []byte) (p packet, rest []byte, ok bool) {
	s := cryptobyte.String(b)
	var first uint8
	var version uint32
	var dcid, scid cryptobyte.String
	if !s.ReadUint8(&first) || first&0x80 == 0 || !s.ReadUint32(&version) ||
		!s.ReadUint8LengthPrefixed(&dcid) || !s.ReadUint8LengthPrefixed(&scid) {
		return packet{}, nil, false
	}
	p = packet{version: Version(version), spec: knownVersions[Version(version)], dcid: dcid, scid: scid}
	if p.spec == nil {
		return p, nil, true
	}
	if len(dcid) > maxCIDLength || len(scid) > maxCIDLength {
		return packet{}, nil, false
	}
	p.typ = p.spec.types[first>>4&3]
	if p.typ == typeRetry { // has no Length
		return p, nil, true
	}
	var tokenLength, length uint64
	if p.typ == typeInitial && (!readVarint(&s, &tokenLength) || tokenLength > uint64(len(s)) || !s.Skip(int(tokenLength))) {
		return packet{}, nil, false
	}
	if !readVarint(&s, &length) {
		return packet{}, nil, false
	}
	p.pnOffset = len(b) - len(s)
	if length > uint64(len(s)) {
		return p, nil, true
	}
	end := p.pnOffset + int(length)
	p.b = b[:end:end]
	return p, b[end:], true
}

// readVarint reads a variable-length integer (RFC 9000 §16).
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
