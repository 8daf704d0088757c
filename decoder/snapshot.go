package decoder

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// Snapshot is the header table that one field block begins with, taken from
// elsewhere: from the memory of the process, when its own HPACK code was about
// to work on that block. It carries what tells which block that is.
type Snapshot struct {
	// Entries are the dynamic table, oldest first, and MaxSize is the size
	// that its encoder last declared (RFC 7541 §4.2).
	Entries []hpack.HeaderField
	MaxSize uint32

	// Fragment is how the field block fragment of the block's HEADERS frame
	// begins, without padding and priority, and FragmentLength how long the
	// whole of it is.
	Fragment       []byte
	FragmentLength uint32

	// StreamID is the stream of the HEADERS frame, which is among the next
	// bytes. When it is 0, the frame is the first HEADERS or CONTINUATION frame
	// that ends in the bytes from place From to place To. When To is 0, too, it
	// is the frame that begins at From. Places are as in WindowSample.
	StreamID uint32
	From, To int64

	// Fields is how many fields the block holds, and Size their size as RFC
	// 9113 §6.5.2 counts it; both are 0 when that is not known.
	Fields int
	Size   uint64
}

var (
	errSeenFromStart = errors.New("connection is seen from its start")
	errNotHTTP2      = errors.New("connection does not speak HTTP/2")
	errTableSize     = errors.New("header table is larger than its maximum")
	errSnapshotWhere = errors.New("snapshot names no block")
	errSnapshotLate  = errors.New("bytes of the block are decoded already")
)

// Recover gives a direction whose header table is not known a snapshot of it,
// ahead of the block that it belongs to. When the block comes, and is what the
// snapshot says, the table is known from then on. On a direction whose frame
// boundaries are searched, the frame that carries the block proves them. What
// does not fit is dropped: a snapshot never makes a header list wrong that
// would have been unknown without it. Of more than maxSnapshots the oldest is
// forgotten. Where what is given waits, so does one that names a stream.
func (c *Conn) Recover(at ktime.Time, dir Direction, s Snapshot) error {
	if c.waiting.on && s.StreamID != 0 {
		c.waiting.add(recoverCall{at, dir, s})
		return nil
	}
	return c.takeTable(at, dir, s)
}

func (c *Conn) takeTable(at ktime.Time, dir Direction, s Snapshot) error {
	size := uint64(0)
	for _, e := range s.Entries {
		size += uint64(e.Size())
	}
	h := &c.sides[dir]
	switch {
	case size > uint64(s.MaxSize) || size > maxHeaderTable:
		return fmt.Errorf("%d bytes of %d: %w", size, s.MaxSize, errTableSize)
	case len(s.Fragment) > int(s.FragmentLength), s.StreamID == 0 && s.To != 0 && s.To <= s.From:
		return errSnapshotWhere
	case h.mode == ignoring:
		return errNotHTTP2
	case h.mode == prefacing, h.mode == starting && c.fromStart:
		return errSeenFromStart
	case h.blocks.table.complete:
		return nil
	case s.StreamID == 0 && h.at > s.From:
		return errSnapshotLate
	}
	if s.StreamID != 0 && h.mode == starting {
		c.startLost(at, h)
	}
	h.blocks.snapshots.add(s)
	c.arrive(at, h)
	return nil
}

// TableKnown reports whether the header table of a direction is known, so that
// every block that is well-formed can be decoded.
func (c *Conn) TableKnown(dir Direction) bool { return c.sides[dir].blocks.table.complete }

// expectation is what is said of the first block that a recovered table decodes.
type expectation struct {
	made   bool
	fields int
	size   uint64
	reason string // why the table was unknown before
}

// recognise seeds the header table when a frame carries the block of a snapshot. end is
// the place after the frame.
func (h *fieldBlocks) recognise(fh frameHeader, end int64, payload []byte, truncated bool) {
	if fh.typ != TypeHeaders && fh.typ != TypeContinuation {
		return
	}
	kept := h.snapshots.due[:0]
	for i := range h.snapshots.due {
		s := &h.snapshots.due[i]
		if !s.isOf(fh, end) {
			kept = append(kept, *s)
			continue
		}
		if !h.block.open && !truncated && s.matches(fh, payload) {
			h.believeTable(&s.Snapshot)
			return
		}
		if s.StreamID != 0 { // another block of the stream, such as of a 1xx response
			kept = append(kept, *s)
		}
	}
	h.snapshots.due = kept
}

// matches reports whether a HEADERS frame carries the fragment.
func (s *Snapshot) matches(fh frameHeader, payload []byte) bool {
	if fh.typ != TypeHeaders || fh.stream == 0 {
		return false
	}
	f := Frame{Type: fh.typ, Flags: fh.flags, StreamID: fh.stream, Length: fh.length}
	fragment, broken := cut(&f, payload)
	return broken == nil && len(fragment) == int(s.FragmentLength) && bytes.HasPrefix(fragment, s.Fragment)
}

// believeTable takes over the table of a snapshot. It must prove itself with
// the block that follows.
func (h *fieldBlocks) believeTable(s *Snapshot) {
	if h.table.complete {
		h.snapshots.clear()
		return
	}
	reason := h.table.reason
	h.table.seed(s.Entries, s.MaxSize) // which were checked
	h.expected = expectation{true, s.Fields, s.Size, reason}
	h.snapshots.clear()
}

// confirm holds the first block of a recovered table against what is known of
// it. A table with which it cannot be decoded, or gives another list, is not
// that of the encoder: it is dropped, and nothing is said that rests on it.
func (h *fieldBlocks) confirm(f *Frame, v *Violation) *Violation {
	if !h.expected.made {
		return v
	}
	want := h.expected
	h.expected = expectation{}
	var size uint64
	for _, field := range f.Headers {
		size += uint64(field.Size())
	}
	agrees := want.fields == 0 || len(f.Headers) == want.fields && size == want.size
	if f.HeadersError == "" && agrees {
		return v
	}
	h.table.reset(want.reason)
	f.Headers, f.HeadersError = nil, want.reason
	return nil
}
