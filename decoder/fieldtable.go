package decoder

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/http2/hpack"
)

// Why header table entries are unknown.
const (
	beforeCapture = "refers to header table entries from before the capture"
	beforeLoss    = "refers to header table entries from before the loss"
	beforeError   = "refers to header table entries from before a block that cannot be decoded"
	beyondKept    = "refers to header table entries beyond the 65536 bytes that are kept"
)

// fieldTable decodes the field blocks of one direction, with the dynamic table
// that its encoder built (RFC 7541 §2.3).
//
// When the table was built before the capture, or in bytes that were lost, its
// entries are unknown, but not all is lost: new entries take the lowest
// indices (§2.3.3), so an index that the entries seen since cannot satisfy
// refers to an unknown one. Such a table is kept larger than the encoder's is
// likely to be: evicting later than the encoder is harmless, as it does not
// refer to what it evicted, and evicting earlier makes one more entry unknown.
type fieldTable struct {
	dec *hpack.Decoder
	// complete says that every entry of the encoder's table is known;
	// otherwise reason says which are not.
	complete bool
	reason   string
	// max is the encoder's table size limit as it last declared it, once
	// complete; limit is what SETTINGS allow it to declare, when limited.
	max     uint32
	room    uint32 // size to keep while max is unknown
	limit   uint32
	limited bool
	// shrink is set until the next block, which must begin with a size
	// update of at most shrinkTo (RFC 9113 §4.3.1).
	shrink   bool
	shrinkTo uint32
	// inserted counts insertions since the table was last reset; nameless
	// holds, in order, the numbers of those whose name was an unknown entry's.
	inserted uint64
	nameless []uint64

	// Of the block that is being decoded: what is not known of it, what rule it
	// broke, why it cannot be decoded, whether it had a field, and the beginning
	// of one whose end is to come.
	unknown string
	broken  *Violation
	err     error
	began   bool
	tail    []byte

	fields  []hpack.HeaderField
	size    uint64
	longest uint64 // that size may become
	scratch []byte
}

// reset empties the table. What the encoder has in its table is then known
// (nothing) when reason is empty, and unknown otherwise.
func (t *fieldTable) reset(reason string) {
	t.dec = nil
	t.room = maxUnknownTable
	if t.complete { // it is likely to stay as large as it was
		t.room = max(t.room, min(t.max, maxHeaderTable))
	}
	t.complete = reason == ""
	t.reason = reason
	t.max = defaultTable
	t.inserted = 0
	t.nameless = nil
	t.shrink = false
	t.tail = nil
}

// decoder returns the HPACK decoder, which is made when a block needs it.
func (t *fieldTable) decoder() *hpack.Decoder {
	if t.dec == nil {
		size := t.room
		if t.complete {
			size = min(t.max, maxHeaderTable)
		}
		t.dec = hpack.NewDecoder(size, t.emit)
	}
	return t.dec
}

// seed fills the table with entries recovered from elsewhere, oldest first.
func (t *fieldTable) seed(entries []hpack.HeaderField, maxSize uint32) error {
	t.reset("")
	t.max = maxSize
	if maxSize > maxHeaderTable {
		t.complete, t.reason, t.room = false, beyondKept, maxHeaderTable
	}
	dec := t.decoder()
	dec.SetEmitEnabled(false)
	for _, e := range entries {
		t.scratch = append(t.scratch[:0], 0x40) // RFC 7541 §6.2.1, new name
		t.scratch = appendString(t.scratch, e.Name)
		t.scratch = appendString(t.scratch, e.Value)
		if _, err := dec.Write(t.scratch); err != nil {
			return fmt.Errorf("seed header table: %w", err)
		}
		t.inserted++
	}
	t.release()
	return dec.Close()
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

// allow sets how large a table SETTINGS allow the encoder to declare.
func (t *fieldTable) allow(limit uint32, known bool) {
	t.limit, t.limited = limit, known
}

// demand notes that the encoder acknowledged a HEADER_TABLE_SIZE.
func (t *fieldTable) demand(limit uint32) {
	if t.complete && limit < t.max {
		if !t.shrink || limit < t.shrinkTo {
			t.shrinkTo = limit
		}
		t.shrink = true
	}
}

// field decodes one field and reports whether it is known.
func (t *fieldTable) field(r representation, b []byte) (bool, error) {
	known := true
	if r.index > staticEntries {
		known = !t.isNameless(r.index)
	}
	_, err := t.dec.Write(b)
	if err != nil && missing(err) {
		switch {
		case r.index == 0:
			return false, errIndexZero
		case t.complete:
			return false, errIndexTooHigh
		}
		// The entry is unknown. An insertion takes its place in the table
		// all the same, with the value, which is known, and no name: taken
		// for smaller than it is, it stays at least as long as the
		// encoder's.
		known, err = false, nil
		if r.kind == incremental {
			t.scratch = append(append(t.scratch[:0], 0x40, 0), b[r.value:]...)
			_, err = t.dec.Write(t.scratch)
		}
	}
	if err != nil {
		return false, err
	}
	if r.kind == incremental {
		t.inserted++
		if !known {
			t.nameless = append(t.nameless, t.inserted)
			if len(t.nameless) > maxHeaderTable/32 { // RFC 7541 §4.1: 32 bytes an entry
				t.nameless = append(t.nameless[:0], t.nameless[1:]...)
			}
		}
	}
	return known, nil
}

// isNameless reports whether the entry at a dynamic index has an unknown name.
func (t *fieldTable) isNameless(index uint64) bool {
	if len(t.nameless) == 0 || index-staticEntries > t.inserted {
		return false
	}
	number := t.inserted - (index - staticEntries - 1)
	_, found := slices.BinarySearch(t.nameless, number)
	return found
}

// missing reports whether err says that a table entry does not exist.
func missing(err error) bool {
	var decoding hpack.DecodingError
	var index hpack.InvalidIndexError
	return errors.As(err, &decoding) && errors.As(decoding.Err, &index)
}

// resize applies a table size update (RFC 7541 §4.3).
func (t *fieldTable) resize(size uint32) {
	t.max = size
	t.dec.SetMaxDynamicTableSize(min(size, maxHeaderTable))
	switch {
	case size == 0:
		// Whatever the table held, now it holds nothing.
		t.complete, t.reason, t.nameless = true, "", nil
	case size > maxHeaderTable && t.complete:
		t.complete, t.reason = false, beyondKept
	}
}

// fail gives up the block and with it the table: what the rest of the block
// would have inserted is unknown.
func (t *fieldTable) fail(err error) *Violation {
	var decoding hpack.DecodingError
	if errors.As(err, &decoding) {
		err = decoding.Err
	}
	t.reset(beforeError)
	t.err = err
	return &Violation{
		Code: CompressionError,
		Rule: "field block cannot be decoded: " + err.Error() + " (RFC 9113 §4.3)",
	}
}

// emit collects a decoded field until the list is too long.
func (t *fieldTable) emit(f hpack.HeaderField) {
	t.size += uint64(len(f.Name)) + uint64(len(f.Value)) + 32 // RFC 9113 §6.5.2
	if t.size > t.longest {
		t.dec.SetEmitEnabled(false)
		t.release()
		return
	}
	t.fields = append(t.fields, f)
}

// release lets go of the decoded fields, so that an idle connection does not
// hold on to their memory.
func (t *fieldTable) release() {
	clear(t.fields)
	t.fields = t.fields[:0]
	if cap(t.fields) > keepFields {
		t.fields = nil
	}
	if cap(t.scratch) > keepBuffer {
		t.scratch = nil
	}
}
