package bpf

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
