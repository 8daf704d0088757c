package decoder

import "fmt"

// The reasons why a field block cannot be decoded although the header table is known.
const (
	blockCut    = "part of the field block was not seen"
	blockBroken = "frame is malformed"
	// noRoom: the Budget of all connections was used up.
	noRoom = "too much is held of field blocks that are not complete"
)

func blockTooLong(limit int) string { return fmt.Sprintf("field block is longer than %d bytes", limit) }

// block gathers a field block from the frame that begins it and the
// CONTINUATION frames that follow (RFC 9113 §4.3).
type block struct {
	open      bool
	stream    uint32 // the stream of the open block
	last      Type   // of its latest frame
	endStream bool   // the HEADERS frame ends the stream after the block
	promised  uint32 // the stream that its PUSH_PROMISE reserves
	lost      string // why the block cannot be decoded
	// followed says that the block is lost, but not its insertions into the header
	// table.
	followed bool
	fragment []byte
}

// fieldBlocks decodes the field blocks of a direction. It knows no side.
type fieldBlocks struct {
	block block
	table fieldTable
	// snapshots are recovered tables for later blocks. expected describes the block
	// that must prove the table taken last.
	snapshots snapshots
	expected  expectation
}

// lose resets what lost bytes may have changed. reason says why header table entries
// are unknown.
func (h *fieldBlocks) lose(reason string) {
	h.block = block{}
	h.table.reset(reason)
	h.snapshots.due, h.expected = nil, expectation{}
}

// held returns the number of bytes kept beyond the share of each direction.
func (h *fieldBlocks) held() int {
	return max(0, cap(h.block.fragment)-keepBuffer) + cap(h.table.tail)
}

// letGo drops the bytes of incomplete blocks.
func (h *fieldBlocks) letGo() {
	if cap(h.block.fragment) > keepBuffer {
		h.onlyFollow(noRoom)
	}
	if len(h.table.tail) > 0 {
		h.table.err, h.table.tail = errFieldTooLong, nil
	}
}

// add appends a copy of a fragment.
func (h *fieldBlocks) add(p []byte, longest int) {
	b := &h.block
	if b.followed {
		h.table.pass(p)
	}
	if b.lost != "" {
		return
	}
	if len(b.fragment)+len(p) > longest {
		h.onlyFollow(blockTooLong(longest))
		h.table.pass(p)
		return
	}
	b.fragment = append(b.fragment, p...)
}

// onlyFollow gives up the open block, but keeps its insertions into the header table.
func (h *fieldBlocks) onlyFollow(reason string) {
	fragment := h.block.fragment
	h.block.fail(reason)
	h.block.followed = true
	h.table.begin()
	h.table.pass(fragment)
}

// fail marks that the block cannot be decoded.
func (b *block) fail(reason string) {
	b.lost, b.followed, b.fragment = reason, false, nil
}

// close ends the block and keeps its buffer unless it is large.
func (b *block) close() {
	f := b.fragment[:0]
	if cap(f) > keepBuffer {
		f = nil
	}
	*b = block{fragment: f}
}

// cut returns the field block fragment in the payload of a frame, without padding and
// fixed fields. p is the part of the payload that was seen.
func cut(f *Frame, p []byte) ([]byte, *Violation) {
	left := int64(f.Length)
	if f.Type != TypeContinuation && f.Flags.Has(FlagPadded) {
		if left < 1 {
			return nil, ruleTooShort
		}
		if len(p) < 1 {
			return nil, nil
		}
		pad := int64(p[0])
		p, left = p[1:], left-1-pad
		if left < 0 {
			return nil, rulePadding[f.Type]
		}
		p = p[:min(int64(len(p)), left)]
	}
	var fixed int
	switch {
	case f.Type == TypeHeaders && f.Flags.Has(FlagPriority):
		fixed = 5 // RFC 9113 §6.2
	case f.Type == TypePushPromise:
		fixed = 4 // RFC 9113 §6.6
	}
	if left < int64(fixed) {
		return nil, ruleTooShort
	}
	if len(p) < fixed {
		return nil, nil
	}
	switch fixed {
	case 5:
		f.HasPriority = true
		f.Priority = priority(p)
	case 4:
		f.PromisedID = streamID(p)
	}
	return p[fixed:], nil
}

// frame handles a frame with a field block fragment. If the frame completes the block,
// it decodes the block, which must not exceed longest bytes. crowdedOut says that the
// Budget took the payload. resynced says that the beginning of the block may be lost.
func (h *fieldBlocks) frame(f *Frame, payload []byte, longest int, crowdedOut, resynced bool) *Violation {
	fragment, broken := cut(f, payload)
	if f.StreamID == 0 && broken == nil {
		broken = ruleStreamZero[f.Type]
	}
	end := f.Flags.Has(FlagEndHeaders)
	b := &h.block
	if f.Type == TypeContinuation {
		if !b.open || b.stream != f.StreamID {
			return h.strayContinuation(f, end, resynced)
		}
	} else {
		if b.open { // abandoned: its insertions are unknown
			b.close()
			h.loseBlock(false)
		}
		b.open, b.stream = true, f.StreamID
		b.endStream = f.Type == TypeHeaders && f.Flags.Has(FlagEndStream)
		b.promised = f.PromisedID
	}
	b.last = f.Type
	switch {
	case f.Truncated && crowdedOut:
		b.fail(noRoom)
	case f.Truncated:
		b.fail(blockCut)
	case broken != nil:
		b.fail(blockBroken)
	}
	if !end {
		h.add(fragment, longest)
		return broken
	}
	f.BlockEnd = true
	if len(b.fragment) > 0 || b.lost != "" || len(fragment) > longest {
		h.add(fragment, longest)
		fragment = b.fragment
	}
	var v *Violation
	switch {
	case b.followed:
		f.HeadersError = b.lost
		v = h.confirm(f, h.table.passed())
	case b.lost != "":
		f.HeadersError = b.lost
		h.loseBlock(b.lost == blockCut)
		return broken
	default:
		f.Block = fragment
		f.Headers, f.HeadersError, v = h.table.decode(fragment, longest)
		v = h.confirm(f, v)
	}
	if broken == nil {
		broken = v
	}
	return broken
}

// loseBlock makes the header table unknown: the undecoded block may have inserted
// anything.
func (h *fieldBlocks) loseBlock(unseen bool) {
	h.expected = expectation{}
	if unseen {
		h.table.reset(beforeLoss)
	} else {
		h.table.reset(beforeError)
	}
}

// strayContinuation handles a CONTINUATION frame whose block did not begin, or began in
// lost bytes.
func (h *fieldBlocks) strayContinuation(f *Frame, end, resynced bool) *Violation {
	if end {
		f.BlockEnd = true
		f.HeadersError = blockCut
	}
	if resynced {
		if h.table.inserted {
			h.table.reset(beforeLoss)
		}
		return nil
	}
	h.loseBlock(false)
	return ruleStrayContinued
}

// endsStream reports whether a frame completes a block that ends its stream.
func (h *fieldBlocks) endsStream(f *Frame) bool {
	return f.BlockEnd && h.block.endStream && h.block.stream == f.StreamID
}

// reported releases what the Frame just reported has used.
func (h *fieldBlocks) reported(f *Frame) {
	h.table.release()
	if f.BlockEnd && h.block.stream == f.StreamID {
		h.block.close()
	}
}
