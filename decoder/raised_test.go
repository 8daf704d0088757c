package decoder

import (
	"math/rand/v2"
	"testing"
)

// TestRaised compares the highest distance with that of all streams, whatever is granted,
// spent, unknown or dropped.
func TestRaised(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	var w credits
	w.dropAll()
	streams := make([]*stream, 50)
	for step := range 20_000 {
		i := rng.IntN(len(streams))
		s := streams[i]
		switch n := rng.Int64N(100); {
		case s == nil:
			streams[i] = &stream{known: [2]bool{true, true}}
		case n < 5:
			w.drop(s)
			streams[i] = nil
		case n < 10:
			s.known[Recv] = !s.known[Recv]
			w.raised[Recv].raise(s)
		case n < 50:
			s.distance[Recv] -= n
		default:
			s.distance[Recv] += n
			w.raised[Recv].raise(s)
		}
		want := int64(0)
		for _, s := range streams {
			if s != nil && s.known[Recv] {
				want = max(want, s.distance[Recv])
			}
		}
		if got := w.raised[Recv].highest(); step%3 == 0 && got != want {
			t.Fatalf("step %d: got %d, want %d", step, got, want)
		}
	}
}

// TestOverflowAlwaysFound has a peer change the initial window many times, each time with a
// stream that overflowed before and is closed. The overflow after that is found, too.
func TestOverflowAlwaysFound(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	const n = 4000
	for i := range uint32(n) {
		c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 2*i+1, []byte{0x82}))
	}
	low, high := settingsFrame(Setting{SettingInitialWindowSize, 100}), settingsFrame(Setting{SettingInitialWindowSize, maxWindow})
	grant := func(id uint32) { c.Data(2, Recv, wire(TypeWindowUpdate, 0, id, []byte{0x7f, 0, 0, 0})) }
	for i := range uint32(100) {
		grant(2*i + 1)
		c.Data(2, Recv, wire(TypeRSTStream, 0, 2*i+1, []byte{0, 0, 0, 8}))
		c.Data(2, Recv, high)
		c.Data(2, Recv, low)
	}
	if len(r.violations) > 0 {
		t.Fatalf("violations %v, and nothing overflows", r.violations)
	}
	grant(2*n - 1)
	c.Data(3, Recv, high)
	if len(r.violations) != 1 || r.violations[0] != *ruleInitialOverflow {
		t.Errorf("violations %v, want %v", r.violations, ruleInitialOverflow)
	}
}
