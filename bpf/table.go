package bpf

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
