package host

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113 §3.4
	headerLen   = 9                                  // RFC 9113 §4.1
	typeData    = 0
	typeHeaders = 1
	flagPadded  = 0x8
)

// source is the input of a fuzz target. It continues with zeroes.
type source struct{ in []byte }

func (s *source) uint(n int) uint64 {
	v := uint64(0)
	for range n {
		v <<= 8
		if len(s.in) > 0 {
			v, s.in = v|uint64(s.in[0]), s.in[1:]
		}
	}
	return v
}

// size returns the length of a piece. Bytes beyond the cuts of the input are one
// piece.
func (s *source) size(v, most uint64) int {
	switch {
	case len(s.in) == 0:
		return 1 << 16
	case v&0x4000 != 0:
		return 1 + int(v&0x1f)
	}
	return 1 + int(v&most)
}

// refusals returns which reservations fail, about a quarter.
func (s *source) refusals() uint32 {
	every := s.uint(4)
	return uint32(every & s.uint(4))
}

// stream returns a beginning with some frames after it.
func (s *source) stream(beginning []byte) []byte {
	b := bytes.Clone(beginning)
	for range s.uint(1) % 24 {
		b = s.frame(b)
	}
	return b
}

func (s *source) frame(b []byte) []byte {
	switch s.uint(1) % 9 {
	case 0, 1, 6:
		return appendFrame(b, typeData, 0, int(s.uint(2)%7000))
	case 2:
		return appendFrame(b, typeData, flagPadded, int(s.uint(2)%7000))
	case 3:
		return appendFrame(b, typeData, uint8(s.uint(1)), int(s.uint(1)%16))
	case 4:
		n := int(s.uint(2))
		if n%4 > 0 {
			n %= 1000
		}
		return appendFrame(b, typeHeaders, 4, n/2) // some are longer than a record
	case 5:
		return appendFrame(b, uint8(s.uint(1)), uint8(s.uint(1)), int(s.uint(1)))
	case 7: // maybe longer than the rest
		b = binary.BigEndian.AppendUint32(b, uint32(s.uint(3)<<8))
		return append(b, 0, 0, 0, 0, 1)
	default: // anything
		n := min(int(s.uint(1)%16), len(s.in))
		b, s.in = append(b, s.in[:n]...), s.in[n:]
		return b
	}
}

// appendFrame appends a frame whose payload looks like frames, but at other offsets.
func appendFrame(b []byte, typ, flags uint8, n int) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(n)<<8|uint32(typ))
	b = append(b, flags, 0, 0, 0, 1)
	for i := range n {
		b = append(b, "\x00\x01\x02\x00\x08\x00\x00\x00\x01\x07"[(i+n)%10])
	}
	return b
}

// addSeeds adds random inputs to the committed ones.
func addSeeds(f *testing.F, n int) {
	for seed := range uint64(n) {
		rng := rand.New(rand.NewPCG(seed, 0))
		in := make([]byte, 100+rng.IntN(400))
		for i := range in {
			in[i] = byte(rng.Uint32())
		}
		f.Add(in)
	}
}
