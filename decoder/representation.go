package decoder

import (
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// kind is the kind of a field representation (RFC 7541 §6).
type kind uint8

const (
	indexed     kind = iota // §6.1
	incremental             // §6.2.1
	unindexed               // §6.2.2 and, never indexed, §6.2.3
	sizeUpdate              // §6.3
)

// staticEntries is the length of the static table (RFC 7541 appendix A).
const staticEntries = 61

// representation gives the parts of one field representation in a block.
type representation struct {
	kind  kind
	index uint64 // of the field or of its name, or the new table size; 0 is none
	value int    // offset of the value string of a literal
	size  int    // length of the whole, in bytes
}

var (
	errBlockCut     = errors.New("block ends inside a field")
	errFieldTooLong = fmt.Errorf("field is longer than %d bytes", maxTail)
	errHugeInteger  = errors.New("integer exceeds 32 bits")
	errIndexZero    = errors.New("index is 0")
	errIndexTooHigh = errors.New("index is beyond the header table")
)

// compressionSection returns the section of RFC 7541 that a field block breaks, in addition to
// RFC 9113 §4.3.
func compressionSection(err error) string {
	switch {
	case errors.Is(err, errIndexTooHigh):
		return ", RFC 7541 §2.3.3"
	case errors.Is(err, errHugeInteger):
		return ", RFC 7541 §5.1"
	case errors.Is(err, errBlockCut): // in an integer or a string
		return ", RFC 7541 §5"
	case errors.Is(err, errIndexZero):
		return ", RFC 7541 §6.1"
	}
	return ", RFC 7541 §5.2" // a Huffman code
}

// nextRepresentation measures the representation at the beginning of b, which is not
// empty.
func nextRepresentation(b []byte) (representation, error) {
	var r representation
	var prefix uint
	switch {
	case b[0]&0x80 != 0:
		r.kind, prefix = indexed, 7
	case b[0]&0xc0 == 0x40:
		r.kind, prefix = incremental, 6
	case b[0]&0xe0 == 0x20:
		r.kind, prefix = sizeUpdate, 5
	default:
		r.kind, prefix = unindexed, 4
	}
	var err error
	r.index, r.size, err = readInteger(b, prefix)
	if err != nil || r.kind == indexed || r.kind == sizeUpdate {
		return r, err
	}
	if r.index == 0 {
		if r.size, err = skipString(b, r.size); err != nil {
			return r, err
		}
	}
	r.value = r.size
	r.size, err = skipString(b, r.size)
	return r, err
}

// readInteger returns an integer with an n-bit prefix (RFC 7541 §5.1) and its length.
// A value over 32 bits is a decoding error: no table index, table size or string length
// of a frame needs one.
func readInteger(b []byte, n uint) (uint64, int, error) {
	if len(b) == 0 {
		return 0, 0, errBlockCut
	}
	limit := uint64(1)<<n - 1
	v := uint64(b[0]) & limit
	if v < limit {
		return v, 1, nil
	}
	for i, shift := 1, uint(0); i < len(b); i, shift = i+1, shift+7 {
		if shift > 28 {
			return 0, 0, errHugeInteger
		}
		v += uint64(b[i]&0x7f) << shift
		if v > 1<<32-1 {
			return 0, 0, errHugeInteger
		}
		if b[i]&0x80 == 0 {
			return v, i + 1, nil
		}
	}
	return 0, 0, errBlockCut
}

// skipString returns the offset after the string literal at offset at (RFC
// 7541 §5.2).
func skipString(b []byte, at int) (int, error) {
	n, size, err := readInteger(b[at:], 7)
	if err != nil {
		return 0, err
	}
	if n > uint64(len(b)-at-size) {
		return 0, errBlockCut
	}
	return at + size + int(n), nil
}

// readString decodes the measured string literal at the beginning of b.
func readString(b []byte) (string, error) {
	n, size, err := readInteger(b, 7)
	if err != nil {
		return "", err
	}
	raw := b[size : size+int(n)]
	if b[0]&0x80 == 0 {
		return string(raw), nil
	}
	return hpack.HuffmanDecodeToString(raw)
}
