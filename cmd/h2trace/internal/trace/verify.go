package trace

import (
	"fmt"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/export"
)

// list takes which connection a list of header fields belongs to.
func (t *connTable) list(l *bpf.List) {
	if c := t.byID[l.Conn]; c != nil {
		c.verify.List(l)
	}
}

// verified returns the totals for the summary, or nil.
func verified(c *verify.Checker) *export.Verified {
	if c == nil {
		return nil
	}
	v := export.Verified(c.Totals)
	return &v
}

// verifiedBlock returns the field block that a frame completes, for comparison with the
// process. The block ends at offset end.
func verifiedBlock(f *decoder.Frame, end uint64) verify.Block {
	return verify.Block{
		Time:   f.Time,
		Dir:    f.Dir,
		Stream: f.StreamID,
		End:    end,
		Bytes:  f.Block,
		Fields: f.Headers,
		Failed: f.HeadersError != "",
	}
}

// difference returns a difference for printing.
func difference(d *verify.Difference) *export.Difference {
	return &export.Difference{Dir: d.Dir, Stream: d.Stream, Index: d.Index, Want: d.Want, Got: d.Got}
}

// verdict sums up the verification.
func verdict(t verify.Totals) string {
	s := fmt.Sprintf("verified %d header blocks with %d fields: ", t.Blocks, t.Fields)
	switch t.Mismatches {
	case 0:
		s += "no difference"
	case 1:
		s += "1 block differs; see the verify event, and please report this"
	default:
		s += fmt.Sprintf("%d blocks differ; see the verify events, and please report this", t.Mismatches)
	}
	if t.Unchecked > 0 {
		s += fmt.Sprintf("; %d more could not be verified", t.Unchecked)
	}
	return s
}
