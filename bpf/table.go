package bpf

import (
	"bytes"
	"unsafe"
)

// Table is an HPACK table as the process held it just before its own code worked on a
// field block. A received one belongs to the first block with a fragment that ends
// within the last Read bytes before the offset End of its connection. Where the bytes of
// that come from packets, it belongs to the frame that begins Read bytes before the
// sequence number End. With TLS a record ends at End, and the bytes are plaintext. A sent
// one has an ID; the Block of the same ID follows.
type Table struct {
	Head
	Dir     int // Send or Recv
	ID      uint64
	End     uint64
	Read    uint32
	Entries []TableEntry // oldest first
	MaxSize uint32
	// Consistent says that the entries add up to the size that hpack keeps; otherwise
	// this is not a table, and must not be used.
	Consistent bool

	Fragment       []byte // received: of the block, the first bytes
	FragmentLength uint32
}

// packetPlace parts a place in the stream of a connection whose bytes come from packets:
// see packet_place in recovery/behind.h.
func packetPlace(place uint64) (seq uint64, before uint32) {
	return uint64(uint32(place)), uint32(place >> 32)
}

// TableEntry is one entry of an HPACK table.
type TableEntry struct{ Name, Value string }

// Block identifies the frame that carries the field block of a sent Table, and what
// the process encoded in it.
type Block struct {
	Head
	ID             uint64
	Stream         uint32
	Fields         uint32
	Size           uint64 // of all fields, 32 extra bytes each (RFC 9113 §6.5.2)
	Fragment       []byte // the first bytes
	FragmentLength uint32
	// Behind lists candidate addresses of the frame's *tls.Conn, when the connection
	// is unknown.
	Behind [4]uint64
}

// entryOverhead is what an entry counts beyond its strings (RFC 7541 §4.1).
const entryOverhead = 32

// parseTable returns a table, or nil for one whose pieces follow.
func (p *parser) parseTable(head Head, sample []byte) (Event, error) {
	raw, err := view[probesTableRecord](sample, int(unsafe.Sizeof(probesTableRecord{})))
	if err != nil {
		return nil, err
	}
	head.Conn = raw.Conn
	t := &p.table
	*t = Table{
		Head:           head,
		Dir:            int(raw.H.Dir),
		ID:             raw.Id,
		End:            raw.End,
		Read:           raw.Read,
		MaxSize:        raw.MaxSize,
		Fragment:       bytes.Clone(raw.Fragment[:min(int(raw.FragmentLen), len(raw.Fragment))]),
		FragmentLength: raw.FragmentLen,
	}
	if wireOf(raw.Conn) != WireNone {
		t.End, t.Read = packetPlace(raw.End)
	}
	switch {
	case raw.Large != 0:
		if p.large.begin(raw, t) {
			return nil, nil
		}
	case int(raw.Count) <= len(raw.Lens)/2 && int(raw.Len) <= len(raw.Text):
		t.Entries, t.Consistent = entriesOf(raw.Lens[:2*raw.Count], string(raw.Text[:raw.Len]), raw.Size, raw.MaxSize)
	}
	return t, nil
}

// entriesOf cuts the text of a table into its entries, and reports whether they add
// up to its size.
func entriesOf(lens []uint32, text string, size, maxSize uint32) ([]TableEntry, bool) {
	next := func(n uint32) (string, bool) {
		if uint64(n) > uint64(len(text)) {
			return "", false
		}
		s := text[:n]
		text = text[n:]
		return s, true
	}
	entries := make([]TableEntry, 0, len(lens)/2)
	sum := uint64(len(lens)/2) * entryOverhead
	for i := range len(lens) / 2 {
		name, ok := next(lens[2*i])
		value, ok2 := next(lens[2*i+1])
		if !ok || !ok2 {
			return nil, false
		}
		entries = append(entries, TableEntry{name, value})
		sum += uint64(len(name)) + uint64(len(value))
	}
	return entries, len(text) == 0 && sum == uint64(size) && size <= maxSize
}

func (b *Block) parse(head Head, sample []byte) error {
	raw, err := view[probesBlockRecord](sample, int(unsafe.Sizeof(probesBlockRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*b = Block{
		Head:           head,
		ID:             raw.Id,
		Stream:         raw.Stream,
		Fields:         raw.Fields,
		Size:           raw.Size,
		Fragment:       bytes.Clone(raw.Fragment[:min(int(raw.FragmentLen), len(raw.Fragment))]),
		FragmentLength: raw.FragmentLen,
		Behind:         raw.Ptrs,
	}
	return nil
}
