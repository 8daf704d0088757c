package bpf

import (
	"bytes"
	"fmt"
	"unsafe"
)

// Field is a header field, or a part of one, as the process's own hpack has encoded
// or decoded it, with Options.Verify. A field that is too long for a record comes in
// several: At is where Text begins in the joined name and value.
type Field struct {
	Head
	List      uint64 // number of its List
	Index     uint32 // in the list
	NameLen   uint32
	ValueLen  uint32
	Sensitive bool
	At        uint32
	// Text belongs to the Collector and is valid until the next Read. A whole field
	// has Name and Value set instead, and those are the caller's.
	Whole       bool
	Name, Value string
	Text        []byte
}

// List identifies the fragment of a field block that the fields of a list belong to.
// A sent List follows its fields: it has that many Fields, and Stream is the stream
// of the frame that the process is about to write. A received List comes before its
// fields, which end at the next List. Its frame ends within the last Read bytes
// before the offset End of its connection. Seq counts the earlier Lists of that
// connection from the same goroutine, and the previous one had Fields fields.
type List struct {
	Head
	Dir    int // Send or Recv
	ID     uint64
	Seq    uint64
	End    uint64
	Read   uint32
	Fields uint32
	Stream uint32

	Fragment       []byte // the first bytes
	FragmentLength uint32
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
