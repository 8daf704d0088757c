package decoder

import (
	"golang.org/x/net/http2/hpack"
)

// The reasons why header table entries are unknown.
const (
	beforeCapture = "refers to header table entries from before the capture"
	beforeLoss    = "refers to header table entries from before the loss"
	beforeError   = "refers to header table entries from before a block that cannot be decoded"
	beyondKept    = "refers to header table entries beyond the 65536 bytes that are kept"
)

// fieldTable decodes the field blocks of one direction, with the dynamic table
// that its encoder built (RFC 7541 §2.3).
//
// If the table was built before the capture, or in lost bytes, its entries are unknown.
// But new entries take the lowest indices (§2.3.3), so an index beyond the entries seen
// since refers to an unknown one. The decoder keeps such a table larger than the
// encoder's is likely to be. To evict later than the encoder is harmless, as an encoder
// does not refer to evicted entries; to evict earlier makes one more entry unknown.
type fieldTable struct {
	dynamic dynamicTable
	emits   bool // the fields of the block are wanted
	// complete says that every entry of the encoder's table is known. Otherwise
	// reason says why some are not.
	complete bool
	reason   string
	// max is the table size that the encoder last declared, if complete. limit is
	// the size that SETTINGS allow it to declare, if limited.
	max     uint32
	room    uint32 // size to keep while max is unknown
	limit   uint32
	limited bool
	// shrink is set until the next block, which must begin with a size
	// update of at most shrinkTo (RFC 9113 §4.3.1).
	shrink   bool
	shrinkTo uint32
	// inserted says that there were insertions since the table was last reset.
	inserted bool

	// The state of the block being decoded: what is unknown, the rule that it broke,
	// why it cannot be decoded, whether it had a field, and the bytes of an
	// incomplete field.
	unknown string
	broken  *Violation
	err     error
	began   bool
	tail    []byte

	fields  []hpack.HeaderField
	size    uint64
	longest uint64 // bound on size
}

// reset empties the table. With an empty reason the encoder's table is known to be empty;
// otherwise it is unknown.
func (t *fieldTable) reset(reason string) {
	t.room = maxUnknownTable
	if t.complete { // its size probably stays
		t.room = max(t.room, min(t.max, maxHeaderTable))
	}
	t.complete = reason == ""
	t.reason = reason
	t.max = defaultTable
	t.inserted = false
	t.shrink = false
	t.tail = nil
	t.dynamic = dynamicTable{max: t.room}
	if t.complete {
		t.dynamic.max = t.max
	}
}

// seed fills the table with recovered entries, oldest first.
func (t *fieldTable) seed(entries []hpack.HeaderField, maxSize uint32) {
	t.reset("")
	t.max = maxSize
	if maxSize > maxHeaderTable {
		t.complete, t.reason, t.room = false, beyondKept, maxHeaderTable
	}
	t.dynamic.max = min(maxSize, maxHeaderTable)
	for _, e := range entries {
		t.dynamic.add(entry{name: e.Name, value: e.Value})
		t.inserted = true
	}
}

// allow sets the largest table size that SETTINGS allow the encoder to declare.
func (t *fieldTable) allow(limit uint32, known bool) {
	t.limit, t.limited = limit, known
}

// demand says that the encoder acknowledged a HEADER_TABLE_SIZE.
func (t *fieldTable) demand(limit uint32) {
	if t.complete && limit < t.max {
		if !t.shrink || limit < t.shrinkTo {
			t.shrinkTo = limit
		}
		t.shrink = true
	}
}

// field decodes one field and reports whether it is known. A field with an unknown name
// still enters the table, with its value and no name. It counts for less than its size,
// so that the table keeps at least as many entries as the encoder's.
func (t *fieldTable) field(r representation, b []byte) (bool, error) {
	e := entry{}
	switch {
	case r.index > staticEntries:
		found := t.dynamic.at(r.index - staticEntries)
		if found == nil && t.complete {
			return false, errIndexTooHigh
		}
		if e.nameless = found == nil; !e.nameless {
			e = *found
		}
	case r.index > 0:
		e.name, e.value = staticTable[r.index].Name, staticTable[r.index].Value
	case r.kind == indexed:
		return false, errIndexZero
	}
	if r.kind == unindexed && !t.emits {
		return !e.nameless, nil
	}
	if r.kind != indexed {
		var err error
		if r.index == 0 {
			e.name, err = readString(b[1:]) // after the index, one byte
		}
		if err == nil {
			e.value, err = readString(b[r.value:])
		}
		if err != nil {
			return false, err
		}
	}
	if r.kind == incremental {
		t.dynamic.add(e)
		t.inserted = true
	}
	if t.emits && !e.nameless {
		t.emit(hpack.HeaderField{Name: e.name, Value: e.value, Sensitive: r.kind == unindexed && b[0]&0x10 != 0})
	}
	return !e.nameless, nil
}

// resize applies a table size update (RFC 7541 §4.3).
func (t *fieldTable) resize(size uint32) {
	t.max = size
	t.dynamic.resize(min(size, maxHeaderTable))
	switch {
	case size == 0:
		// Whatever the table held, now it holds nothing.
		t.complete, t.reason = true, ""
	case size > maxHeaderTable && t.complete:
		t.complete, t.reason = false, beyondKept
	}
}

// fail gives up the block and the table: the insertions in the rest of the block are
// unknown.
func (t *fieldTable) fail(err error) *Violation {
	t.reset(beforeError)
	t.err = err
	return &Violation{
		Code: CompressionError,
		Rule: "field block cannot be decoded: " + err.Error() + " (RFC 9113 §4.3" + compressionSection(err) + ")",
	}
}

// emit collects a decoded field, unless the list is too long.
func (t *fieldTable) emit(f hpack.HeaderField) {
	t.size += uint64(len(f.Name)) + uint64(len(f.Value)) + 32 // RFC 9113 §6.5.2
	if t.size > t.longest {
		t.emits = false
		t.release()
		return
	}
	t.fields = append(t.fields, f)
}

// release drops the decoded fields, so that an idle connection does not keep their
// memory.
func (t *fieldTable) release() {
	clear(t.fields)
	t.fields = t.fields[:0]
	if cap(t.fields) > keepFields {
		t.fields = nil
	}
}
