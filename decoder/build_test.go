package decoder

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// wire builds the bytes of one frame.
func wire(typ Type, flags Flags, stream uint32, payload []byte) []byte {
	n := len(payload)
	b := []byte{byte(n >> 16), byte(n >> 8), byte(n), byte(typ), byte(flags)}
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

// settingsFrame builds a SETTINGS frame.
func settingsFrame(settings ...Setting) []byte {
	var p []byte
	for _, s := range settings {
		p = binary.BigEndian.AppendUint16(p, uint16(s.ID))
		p = binary.BigEndian.AppendUint32(p, s.Value)
	}
	return wire(TypeSettings, 0, 0, p)
}

var settingsAck = wire(TypeSettings, FlagAck, 0, nil)

func windowUpdate(stream, increment uint32) []byte {
	return wire(TypeWindowUpdate, 0, stream, binary.BigEndian.AppendUint32(nil, increment))
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// handshake is the beginning of a connection, from the client's side.
func handshake() []input {
	return []input{
		{at: 1, dir: Send, data: append(append([]byte(nil), preface...), settingsFrame()...)},
		{at: 2, dir: Recv, data: append(settingsFrame(), settingsAck...)},
		{at: 3, dir: Send, data: settingsAck},
	}
}

// appendString appends s as a string literal without Huffman coding (RFC 7541
// §5.2).
func appendString(b []byte, s string) []byte {
	n := uint64(len(s))
	if n < 0x7f {
		return append(append(b, byte(n)), s...)
	}
	b = append(b, 0x7f)
	for n -= 0x7f; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), s...)
}
