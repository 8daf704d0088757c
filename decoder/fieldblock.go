package decoder

import (
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// decode decodes a whole field block. The fields are valid until the next call. It
// returns a message instead if the block is malformed or its list exceeds a bound.
func (t *fieldTable) decode(block []byte, longest int) ([]hpack.HeaderField, string, *Violation) {
	t.begin()
	t.longest = uint64(longest)
	t.emits = true
	if t.shrink && len(block) == 0 {
		t.shrink = false
		t.note(ruleNoSizeUpdate)
	}
	rest, err := t.take(block)
	if err == nil && len(rest) > 0 {
		err = errBlockCut
	}
	if err != nil {
		v := t.fail(err)
		return nil, t.err.Error(), v
	}
	switch {
	case t.unknown != "":
		return nil, t.unknown, t.broken
	case !t.emits:
		return nil, fmt.Sprintf("header list is larger than %d bytes", longest), t.broken
	}
	return t.fields, "", t.broken
}

// begin begins a block whose fields are not wanted.
func (t *fieldTable) begin() {
	t.emits = false
	t.fields, t.size = t.fields[:0], 0
	t.unknown, t.broken, t.err, t.began, t.tail = "", nil, nil, false, nil
}

// take decodes fields up to an incomplete one, and returns the bytes of that.
func (t *fieldTable) take(block []byte) (rest []byte, err error) {
	for len(block) > 0 {
		r, err := nextRepresentation(block)
		if errors.Is(err, errBlockCut) {
			return block, nil
		}
		if err != nil {
			return nil, err
		}
		if t.shrink && r.kind != sizeUpdate {
			t.note(ruleNoSizeUpdate)
		}
		t.shrink = false
		if r.kind == sizeUpdate {
			t.update(r.index)
		} else {
			t.began = true
			known, err := t.field(r, block[:r.size])
			if err != nil {
				return nil, err
			}
			if !known {
				t.unknown = t.reason
			}
		}
		block = block[r.size:]
	}
	return nil, nil
}

func (t *fieldTable) note(v *Violation) {
	if t.broken == nil {
		t.broken = v
	}
}

// update applies a table size update.
func (t *fieldTable) update(size uint64) {
	if t.began {
		t.note(ruleLateSizeUpdate)
	}
	if t.limited && size > uint64(t.limit) {
		t.note(ruleSizeUpdate)
	}
	t.resize(uint32(size))
}

// pass takes a part of a block for its insertions into the table.
func (t *fieldTable) pass(b []byte) {
	if t.err != nil {
		return
	}
	held := len(t.tail) > 0
	if held {
		t.tail = append(t.tail, b...)
		b = t.tail
	}
	rest, err := t.take(b)
	switch {
	case err == nil && len(rest) > maxTail:
		t.err, t.tail = errFieldTooLong, nil
	case err != nil:
		t.err, t.tail = err, nil
	case !held || len(rest) < len(b):
		t.tail = append(t.tail[:0], rest...)
	}
}

// passed ends a block after all its parts.
func (t *fieldTable) passed() *Violation {
	if t.err == nil && len(t.tail) > 0 {
		t.err = errBlockCut
	}
	t.tail = nil
	switch {
	case errors.Is(t.err, errFieldTooLong):
		t.reset(beforeError) // no endpoint objects to it
		return t.broken
	case t.err != nil:
		return t.fail(t.err)
	}
	return t.broken
}
