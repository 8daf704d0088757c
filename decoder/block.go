package decoder

// Why a field block cannot be decoded although the header table is known.
const (
	blockCut     = "part of the field block was not seen"
	blockTooLong = "field block is longer than 262144 bytes"
	blockBroken  = "frame is malformed"
)

// block gathers a field block from the frame that begins it and the
// CONTINUATION frames that follow (RFC 9113 §4.3).
type block struct {
	open      bool
	stream    uint32 // whose block is open
	endStream bool   // the HEADERS frame ends the stream after the block
	promised  uint32 // by the PUSH_PROMISE frame that began it
	lost      string // why the block cannot be decoded
	fragment  []byte
}

// add appends a fragment. It is copied only when the block goes on.
func (b *block) add(p []byte) {
	if b.lost != "" {
		return
	}
	if len(b.fragment)+len(p) > maxBlock {
		b.fail(blockTooLong)
		return
	}
	b.fragment = append(b.fragment, p...)
}

// fail marks that the block cannot be decoded.
func (b *block) fail(reason string) {
	b.lost, b.fragment = reason, nil
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
// block when the frame completes it.
func (h *half) fields(f *Frame, payload []byte) *Violation {
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
	case f.Truncated:
		b.fail(blockCut)
	case broken != nil:
		b.fail(blockBroken)
	}
	if !end {
		b.add(fragment)
		return broken
	}
	f.BlockEnd = true
	if b.lost == "" && len(b.fragment) > 0 {
		b.add(fragment)
		fragment = b.fragment
	}
	if b.lost != "" {
		f.HeadersError = b.lost
		h.loseBlock(b.lost == blockCut)
		return broken
	}
	f.Block = fragment
	var v *Violation
	f.Headers, f.HeadersError, v = h.table.decode(fragment)
	if v = h.confirm(f, v); broken == nil {
		broken = v
	}
	return broken
}

// loseBlock makes the header table unknown: a block that is not decoded may
// have inserted anything.
func (h *half) loseBlock(unseen bool) {
	h.claim = claim{}
	if unseen {
		h.table.reset(beforeLoss)
	} else {
		h.table.reset(beforeError)
	}
}

// strayContinuation handles a CONTINUATION frame whose block did not begin, or
// began in bytes that were not seen.
func (h *half) strayContinuation(f *Frame, end bool) *Violation {
	if end {
		f.BlockEnd = true
		f.HeadersError = blockCut
	}
	if h.resynced {
		if h.table.inserted > 0 {
			h.table.reset(beforeLoss)
		}
		return nil
	}
	h.loseBlock(false)
	return ruleStrayContinued
}
