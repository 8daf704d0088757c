package exchange

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestSoakModel is TestReference and TestReferenceMissing for conversations of each length. In full,
// as scripts/soak runs it, it has ten million frames, from a seed that is another one each time.
func TestSoakModel(t *testing.T) {
	first, want := uint64(1_000_100), 60_000
	if os.Getenv("H2TRACE_SOAK") != "" {
		first, want = uint64(time.Now().UnixNano()), 10_000_000
	}
	if s := os.Getenv("H2TRACE_SEED"); s != "" {
		var err error
		if first, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	const most = 1000
	frames, missed, seed := 0, 0, first
	for ; frames+missed < want; seed++ {
		length := 1 + int(seed%most)
		for _, illegal := range []bool{false, true} {
			if err := converse(seed, length, illegal); err != nil {
				t.Fatalf("H2TRACE_SEED=%d, illegal %v: %v", seed, illegal, err)
			}
			frames += length
		}
		p, err := missing(seed, length)
		if err != nil {
			t.Fatalf("H2TRACE_SEED=%d, of which something is missing: %v", seed, err)
		}
		missed += p.frames
	}
	t.Logf("%d frames of %d conversations, and %d of conversations of which something is missing, from H2TRACE_SEED=%d",
		frames, 3*(seed-first), missed, first)
}
