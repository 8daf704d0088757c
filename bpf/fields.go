package bpf

import (
	"bytes"
	"fmt"
	"unsafe"
)

// Field is a header field, or a part of one, as the process's own hpack has
// encoded or decoded it, with Options.Verify. A field that is too long for a
// record comes in several: At is where Text begins in name and value joined.
type Field struct {
	List      uint64 // that of the List
	Index     uint32 // in the list
	NameLen   uint32
	ValueLen  uint32
	Sensitive bool
	At        uint32
	// Text belongs to the Collector and is valid until the next Read; but for
	// a field that is whole, it is Name and Value that are set, and are yours.
	Whole       bool
	Name, Value string
	Text        []byte
}

// List tells which fragment of a field block the fields of a list are of. Of
// what was sent, it follows its fields: Fields of them, and Stream is that of
// the frame that the process is about to write. Of what was received, they
// follow it until the next List; its frame ends within the last Read bytes
// before the offset End of its connection, Seq counts the Lists before it that
// the same goroutine had of that connection, and the last of these had Fields.
type List struct {
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

func (r *Record) parseField(sample []byte) error {
	f, err := view[probesFieldRecord](sample, fieldHeaderSize)
	if err != nil {
		return err
	}
	text := sample[fieldHeaderSize:]
	if uint64(f.Len) > uint64(len(text)) {
		return fmt.Errorf("field record with %d of %d bytes", f.Len, len(text))
	}
	r.Field = Field{
		List:      f.List,
		Index:     f.Index,
		NameLen:   f.NameLen,
		ValueLen:  f.ValueLen,
		Sensitive: f.Sensitive != 0,
		At:        f.At,
		Whole:     f.Whole != 0,
	}
	if !r.Field.Whole {
		r.Field.Text = text[:f.Len]
		return nil
	}
	if int(f.NameLen) > len(f.Name) || f.ValueLen != f.Len {
		return fmt.Errorf("field record with %d and %d bytes is not whole", f.NameLen, f.ValueLen)
	}
	r.Field.Name, r.Field.Value = string(f.Name[:f.NameLen]), string(text[:f.Len])
	return nil
}

func (r *Record) parseList(sample []byte) error {
	l, err := view[probesListRecord](sample, int(unsafe.Sizeof(probesListRecord{})))
	if err != nil {
		return err
	}
	r.Conn = l.Conn
	r.List = List{
		Dir:            int(l.H.Dir),
		ID:             l.List,
		Seq:            l.Seq,
		End:            l.End,
		Read:           l.Read,
		Fields:         l.Fields,
		Stream:         l.Stream,
		Fragment:       bytes.Clone(l.Fragment[:min(int(l.FragmentLen), len(l.Fragment))]),
		FragmentLength: l.FragmentLen,
	}
	return nil
}
