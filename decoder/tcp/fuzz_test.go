package tcp

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"h2trace/decoder/ktime"
)

// fuzzed is the length of the streams of FuzzStream.
const fuzzed = 1 << 12

// byteAt returns the byte at a place in a stream of FuzzStream.
func byteAt(at uint64) byte { return byte(at*7 + at>>8) }

// fate says when a byte was handed on, and as what.
type fate struct {
	at  ktime.Time
	how string
}

// model is a Stream that tracks each byte, and holds all of them.
type model struct {
	held          [fuzzed]bool
	passed        [fuzzed]bool // of them, left out
	next, leftOut uint64
	fates         []fate
}

func (m *model) handOn(at ktime.Time, how string) {
	m.fates = append(m.fates, fate{at, how})
	m.next++
}

// giveUp hands on the bytes before a place, missing ones, too.
func (m *model) giveUp(at ktime.Time, to uint64, why string) {
	for m.next < to {
		if m.held[m.next] {
			m.handOn(at, m.heldAs(m.next))
			continue
		}
		end := m.next
		for end < to && !m.held[end] {
			end++
		}
		cause := why
		if end < m.leftOut {
			cause = "left out"
		}
		for m.next < end {
			m.handOn(at, cause)
		}
	}
	m.handOnHeld(at)
}

// handOnHeld hands on the bytes before the first missing one.
func (m *model) handOnHeld(at ktime.Time) {
	for m.next < fuzzed && m.held[m.next] {
		m.handOn(at, m.heldAs(m.next))
	}
}

func (m *model) heldAs(i uint64) string {
	if m.passed[i] {
		return "left out"
	}
	return "data"
}

func (m *model) add(at ktime.Time, from, to uint64, lost, passed bool) {
	if lost || from < m.leftOut {
		m.giveUp(at, from, "lost")
	}
	for i, first := max(from, m.next), from > m.next; i < to; i++ { // if it is in order, it counts
		if !first || !m.held[i] {
			m.held[i], m.passed[i] = true, passed
		}
	}
	m.handOnHeld(at)
}

func (m *model) flush(at ktime.Time) {
	last := m.next
	for i := range uint64(fuzzed) {
		if m.held[i] {
			last = max(last, i+1)
		}
	}
	m.giveUp(at, last, "overrun")
}

// fates is a Sink that tracks each byte.
type fates struct {
	t   *testing.T
	got []fate
}

func (f *fates) Data(at ktime.Time, b []byte) {
	if len(b) == 0 {
		f.t.Error("no bytes are handed on")
	}
	for _, c := range b {
		if want := byteAt(uint64(len(f.got))); c != want {
			f.t.Fatalf("byte %d is %#x, want %#x", len(f.got), c, want)
		}
		f.got = append(f.got, fate{at, "data"})
	}
}

func (f *fates) Missing(at ktime.Time, n uint64, why Cause) {
	for range n {
		f.got = append(f.got, fate{at, [...]string{"left out", "lost", "overrun"}[why]})
	}
}

// checkHeld demands that the held pieces are in order, separate, after a hole and within the
// bounds.
func checkHeld(t *testing.T, s *Stream, budget *Budget) {
	t.Helper()
	cost, end := 0, s.next+1
	for _, p := range s.early.pieces {
		if p.from < end || p.to <= p.from || p.b != nil && uint64(len(p.b)) != p.to-p.from {
			t.Fatalf("held: %+v, next %d", s.early.pieces, s.next)
		}
		cost, end = cost+p.cost(), p.to
	}
	if s.early.cost != cost || budget.held != cost || cost > budget.most {
		t.Fatalf("%d bytes are held, and said to be %d, in all %d of %d", cost, s.early.cost, budget.held, budget.most)
	}
}

// FuzzStream takes segments from its input, 6 bytes each: a place, a length, a kind, and
// where something may be left out. A Stream with room for all bytes behaves as the model. A
// Stream with little room hands on each byte in its place.
func FuzzStream(f *testing.F) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		in := make([]byte, 6*rng.IntN(60))
		for i := range in {
			in[i] = byte(rng.Uint32())
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var m model
		streams := [2]Stream{}
		sinks := [2]*fates{{t: t}, {t: t}}
		budgets := [2]*Budget{NewBudget(1 << 30), NewBudget(3 * leastHeld)}
		at := ktime.Time(0)
		for ; len(in) >= 6; in = in[6:] {
			at++
			from := uint64(binary.BigEndian.Uint16(in)) % fuzzed
			to := min(from+uint64(binary.BigEndian.Uint16(in[2:]))%(fuzzed/8), fuzzed)
			lost, passed := in[4]&0x0e == 0, in[5]&0x03 == 0
			if in[4]&0xf0 == 0 {
				m.leftOut = uint64(in[5]) * (fuzzed / 256)
				streams[0].LeaveOut(m.leftOut)
				streams[1].LeaveOut(m.leftOut)
			}
			b := make([]byte, to-from)
			for i := range b {
				b[i] = byteAt(from + uint64(i))
			}
			if to > from {
				m.add(at, from, to, lost, passed)
			}
			for i := range streams {
				if passed {
					streams[i].Pass(at, from, to-from, lost, budgets[i], sinks[i])
				} else {
					streams[i].Segment(at, from, b, lost, budgets[i], sinks[i])
				}
				checkHeld(t, &streams[i], budgets[i])
			}
			clear(b) // the Stream must not keep it
		}
		m.flush(at + 1)
		for i := range streams {
			streams[i].Flush(at+1, budgets[i], sinks[i])
			checkHeld(t, &streams[i], budgets[i])
		}
		for i := range sinks {
			if got, want := len(sinks[i].got), len(m.fates); got != want {
				t.Fatalf("stream %d: %d bytes are handed on or missing, want %d", i, got, want)
			}
		}
		for i, got := range sinks[0].got {
			if got != m.fates[i] {
				t.Fatalf("byte %d: got %v, want %v", i, got, m.fates[i])
			}
		}
	})
}
