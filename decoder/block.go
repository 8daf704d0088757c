package decoder

import "fmt"

// Why a field block cannot be decoded although the header table is known.
const (
	blockCut    = "part of the field block was not seen"
	blockBroken = "frame is malformed"
	// noRoom is for what was let go of for the bound on all connections, see
	// Budget.
	noRoom = "too much is held of field blocks that are not complete"
)

func blockTooLong(limit int) string { return fmt.Sprintf("field block is longer than %d bytes", limit) }

// block gathers a field block from the frame that begins it and the
// CONTINUATION frames that follow (RFC 9113 §4.3).
type block struct {
	open      bool
	stream    uint32 // whose block is open
	endStream bool   // the HEADERS frame ends the stream after the block
	promised  uint32 // by the PUSH_PROMISE frame that began it
	lost      string // why the block cannot be decoded
	// followed says that the block is lost, but not what it adds to the header
	// table.
	followed bool
	fragment []byte
}

// add appends a fragment. It is copied only when the block goes on.
func (h *side) add(p []byte, longest int) {
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

// onlyFollow gives up the open block, but for what it adds to the header table.
func (h *side) onlyFollow(reason string) {
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

// cut removes padding and the fixed fields from the payload of a frame that
// carries a field block fragment, and returns the fragment. p is what was seen
// of the payload.
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
			return nil, rulePadding
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

// fields handles a frame that carries a field block fragment: it decodes the
// block, which is no longer than longest, when the frame completes it.
func (h *side) fields(f *Frame, payload []byte, longest int) *Violation {
	fragment, broken := cut(f, payload)
	if f.StreamID == 0 && broken == nil {
		broken = ruleStreamZero
	}
	end := f.Flags.Has(FlagEndHeaders)
	b := &h.block
	if f.Type == TypeContinuation {
		if !b.open || b.stream != f.StreamID {
			return h.strayContinuation(f, end)
		}
	} else {
		if b.open { // abandoned: what it would have inserted is unknown
			b.close()
			h.loseBlock(false)
		}
		b.open, b.stream = true, f.StreamID
		b.endStream = f.Type == TypeHeaders && f.Flags.Has(FlagEndStream)
		b.promised = f.PromisedID
	}
	switch {
	case f.Truncated && h.framer.crowdedOut:
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

// loseBlock makes the header table unknown: a block that is not decoded may
// have inserted anything.
func (h *side) loseBlock(unseen bool) {
	h.expected = expectation{}
	if unseen {
		h.table.reset(beforeLoss)
	} else {
		h.table.reset(beforeError)
	}
}

// strayContinuation handles a CONTINUATION frame whose block did not begin, or
// began in bytes that were not seen.
func (h *side) strayContinuation(f *Frame, end bool) *Violation {
	if end {
		f.BlockEnd = true
		f.HeadersError = blockCut
	}
	if h.resynced {
		if h.table.inserted {
			h.table.reset(beforeLoss)
		}
		return nil
	}
	h.loseBlock(false)
	return ruleStrayContinued
}
