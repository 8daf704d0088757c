//go:build linux

package bpf

import (
	"bytes"
	"fmt"
	"unsafe"

	"h2trace/bpf/layout"
)

// packetPlace parts a place in the stream of a connection whose bytes come from packets:
// see packet_place in recovery/behind.h.
func packetPlace(place uint64) (seq uint64, before uint32) {
	return uint64(uint32(place)), uint32(place >> 32)
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

// maxStreams is how many streams of a connection a WindowWish takes.
const maxStreams = len(probesWindowWant{}.Streams)

// parse reads a sample. The layout of the executable says what the memory means.
func (w *Windows) parse(head Head, sample []byte, layoutAt func(uint32) connLayout) error {
	raw, err := view[probesWindowsRecord](sample, int(unsafe.Sizeof(probesWindowsRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*w = Windows{Head: head, Offset: raw.Place.Offset, layout: layoutAt(raw.Layout), place: layout.Place{
		Owner:  raw.Place.Owner,
		Framer: raw.Place.Framer,
		Reader: raw.Place.Reader,
		Writer: raw.Place.Writer,
		Sticky: raw.Place.Sticky,
		Locker: raw.Beyond[0],
		Open:   raw.Beyond[0],
		Upload: uint32(raw.Beyond[1]),
	}}
	if wireOf(raw.Conn) != WireNone {
		w.Offset[Recv], w.Unread = packetPlace(raw.Place.Offset[Recv])
	}
	if w.layout == nil {
		return nil
	}
	if w.State, w.Trusted = w.layout.read(raw.Image[:], w.place); !w.Trusted {
		return nil
	}
	w.Asked = min(int(raw.Count), len(raw.Streams))
	for i := range w.Asked {
		s := &raw.Streams[i]
		if stream, ok := w.layout.readStream(s, w.place, &w.State); ok {
			w.Streams = append(w.Streams, stream)
		}
	}
	return nil
}

const fieldHeaderSize = int(unsafe.Offsetof(probesFieldRecord{}.Text))

func (f *Field) parse(head Head, sample []byte) error {
	raw, err := view[probesFieldRecord](sample, fieldHeaderSize)
	if err != nil {
		return err
	}
	text := sample[fieldHeaderSize:]
	if uint64(raw.Len) > uint64(len(text)) {
		return fmt.Errorf("field record with %d of %d bytes", raw.Len, len(text))
	}
	*f = Field{
		Head:      head,
		List:      raw.List,
		Index:     raw.Index,
		NameLen:   raw.NameLen,
		ValueLen:  raw.ValueLen,
		Sensitive: raw.Sensitive != 0,
		At:        raw.At,
		Whole:     raw.Whole != 0,
	}
	if !f.Whole {
		f.Text = text[:raw.Len]
		return nil
	}
	if int(raw.NameLen) > len(raw.Name) || raw.ValueLen != raw.Len {
		return fmt.Errorf("field record with %d and %d bytes is not whole", raw.NameLen, raw.ValueLen)
	}
	f.Name, f.Value = string(raw.Name[:raw.NameLen]), string(text[:raw.Len])
	return nil
}

func (l *List) parse(head Head, sample []byte) error {
	raw, err := view[probesListRecord](sample, int(unsafe.Sizeof(probesListRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*l = List{
		Head:           head,
		Dir:            int(raw.H.Dir),
		ID:             raw.List,
		Seq:            raw.Seq,
		End:            raw.End,
		Read:           raw.Read,
		Fields:         raw.Fields,
		Stream:         raw.Stream,
		Fragment:       bytes.Clone(raw.Fragment[:min(int(raw.FragmentLen), len(raw.Fragment))]),
		FragmentLength: raw.FragmentLen,
	}
	return nil
}
