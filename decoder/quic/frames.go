package quic

import "golang.org/x/crypto/cryptobyte"

// The frames of Initial packets (RFC 9000 §12.4).
const (
	framePadding    = 0x00
	framePing       = 0x01
	frameACK        = 0x02
	frameACKWithECN = 0x03
	frameCrypto     = 0x06
)

// cryptoFrame is a piece of the handshake (RFC 9000 §19.6).
type cryptoFrame struct {
	offset uint64
	data   []byte
}

// nextCrypto returns the next CRYPTO frame of an Initial packet, and passes over other
// frames. ok is false if there is none, or one that does not belong there.
func nextCrypto(s *cryptobyte.String) (f cryptoFrame, ok bool) {
	for {
		var typ uint8
		if !s.ReadUint8(&typ) {
			return f, false
		}
		switch typ {
		case framePadding, framePing:
		case frameACK, frameACKWithECN:
			if !skipACK(s, typ == frameACKWithECN) {
				return f, false
			}
		case frameCrypto:
			var length uint64
			if !readVarint(s, &f.offset) || !readVarint(s, &length) || length > uint64(len(*s)) {
				return f, false
			}
			return f, s.ReadBytes(&f.data, int(length))
		default: // CONNECTION_CLOSE is the last one
			return f, false
		}
	}
}

// skipACK passes over an ACK frame (RFC 9000 §19.3): Largest Acknowledged, ACK Delay, ACK
// Range Count, First ACK Range, two fields of each further ACK Range, and three ECN Counts.
func skipACK(s *cryptobyte.String, ecn bool) bool {
	var ranges uint64
	if !skipVarints(s, 2) || !readVarint(s, &ranges) || ranges > uint64(len(*s)) {
		return false
	}
	fields := 1 + 2*ranges
	if ecn {
		fields += 3
	}
	return skipVarints(s, fields)
}

func skipVarints(s *cryptobyte.String, n uint64) bool {
	var v uint64
	for range n {
		if !readVarint(s, &v) {
			return false
		}
	}
	return true
}
