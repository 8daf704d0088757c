package pcap

import (
	"encoding/binary"
	"strings"
)

// Types of blocks.
const (
	blockSection    = 0x0a0d0d0a // §4.1
	blockInterface  = 0x00000001 // §4.2
	blockPacket     = 0x00000006 // §4.3
	blockStatistics = 0x00000005 // §4.6
	blockSecrets    = 0x0000000a // §4.7
)

// Codes of options.
const (
	optionEnd     = 0 // §3.5
	optionComment = 1

	sectionApplication = 4 // shb_userappl

	interfaceName        = 2 // if_name
	interfaceDescription = 3 // if_description
	interfaceResolution  = 9 // if_tsresol

	packetFlags = 2 // epb_flags

	statisticsStart     = 2 // isb_starttime
	statisticsEnd       = 3 // isb_endtime
	statisticsReceived  = 4 // isb_ifrecv
	statisticsDropped   = 5 // isb_ifdrop
	statisticsDelivered = 8 // isb_usrdeliv
)

// block is a block that is being written: little endian, as the magic of its section says.
type block struct {
	b     []byte
	start int
	size  uint32 // of the whole block, if its beginning is written already
}

// beginBlock appends the head of a block. Its length follows in end.
func beginBlock(b []byte, kind uint32) block {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, kind)
	return block{b: append(b, 0, 0, 0, 0), start: start}
}

func (b *block) u16(v uint16) { b.b = binary.LittleEndian.AppendUint16(b.b, v) }
func (b *block) u32(v uint32) { b.b = binary.LittleEndian.AppendUint32(b.b, v) }
func (b *block) u64(v uint64) { b.b = binary.LittleEndian.AppendUint64(b.b, v) }

// time appends a time as its two halves, the high one first (§4.3).
func (b *block) time(ns int64) {
	b.u32(uint32(uint64(ns) >> 32))
	b.u32(uint32(ns))
}

// bytes appends bytes, padded to 32 bits.
func (b *block) bytes(p []byte) {
	b.b = append(b.b, p...)
	b.pad(len(p))
}

// pad appends what follows n bytes, up to a multiple of 32 bits.
func (b *block) pad(n int) { b.b = append(b.b, make([]byte, padding(n))...) }

func padding(n int) int { return -n & 3 }

// maxText bounds the text of an option.
const maxText = 4096

// clean returns a text as an option may have it: UTF-8 (§3.5), and not too long.
func clean(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "\uFFFD")
}

// text appends an option with clean text, if there is any.
func (b *block) text(code uint16, s string) {
	if s == "" {
		return
	}
	b.u16(code)
	b.u16(uint16(len(s)))
	b.bytes([]byte(s))
}

// textSize is the size of an option with clean text.
func textSize(s string) int {
	if s == "" {
		return 0
	}
	return 4 + len(s) + padding(len(s))
}

// count appends an option with a number of 64 bits.
func (b *block) count(code uint16, v uint64) {
	b.u16(code)
	b.u16(8)
	b.u64(v)
}

// moment appends an option with a time.
func (b *block) moment(code uint16, ns int64) {
	b.u16(code)
	b.u16(8)
	b.time(ns)
}

// end completes a block after its last option, and returns the bytes.
func (b *block) end() []byte {
	b.u32(optionEnd)
	return b.endWithoutOptions()
}

func (b *block) endWithoutOptions() []byte {
	if b.size > 0 {
		b.u32(b.size)
		return b.b
	}
	n := uint32(len(b.b)-b.start) + 4
	b.u32(n)
	binary.LittleEndian.PutUint32(b.b[b.start+4:], n)
	return b.b
}

// expect says that so many bytes follow before the end. Then the beginning may be written.
func (b *block) expect(n int) {
	b.size = uint32(len(b.b)-b.start+n) + 8 // optionEnd, and the size again
	binary.LittleEndian.PutUint32(b.b[b.start+4:], b.size)
}
