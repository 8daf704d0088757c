package tcp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// recorder records what a Stream reports.
type recorder struct{ calls []string }

func (r *recorder) Data(at ktime.Time, b []byte) {
	r.calls = append(r.calls, fmt.Sprintf("%d %s", at, b))
}

func (r *recorder) Missing(at ktime.Time, n uint64, why Cause) {
	r.calls = append(r.calls, fmt.Sprintf("%d -%d %s", at, n, [...]string{"left out", "lost", "overrun"}[why]))
}

func TestStream(t *testing.T) {
	type segment struct {
		off  uint64
		b    string // "-" for left out bytes
		lost bool
	}
	for _, tt := range []struct {
		name    string
		leftOut uint64
		most    int
		in      []segment
		flush   bool
		want    []string
		holes   int // -1: unknown
	}{
		{name: "in order", in: []segment{{0, "ab", false}, {2, "cd", false}}, want: []string{"1 ab", "2 cd"}},
		{name: "sent again", in: []segment{{0, "ab", false}, {0, "ab", false}, {2, "c", false}}, want: []string{"1 ab", "3 c"}},
		{name: "sent again with more", in: []segment{{0, "ab", false}, {1, "bcd", false}}, want: []string{"1 ab", "2 cd"}},
		{name: "overtaken", in: []segment{{2, "cd", false}, {4, "e", false}, {0, "ab", false}}, want: []string{"3 ab", "3 cd", "3 e"}, holes: 1},
		{name: "overlapping what is held", in: []segment{{2, "c", false}, {2, "cde", false}, {4, "ef", false}, {0, "abc", false}}, want: []string{"4 abc", "4 de", "4 f"}, holes: 1},
		{name: "still on its way", in: []segment{{0, "ab", false}, {5, "f", false}}, want: []string{"1 ab"}, holes: 1},
		{name: "end while it is on its way", in: []segment{{0, "ab", false}, {5, "f", false}}, flush: true, want: []string{"1 ab", "9 -3 overrun", "9 f"}, holes: 1},
		{name: "record lost", in: []segment{{0, "ab", false}, {5, "f", true}}, want: []string{"1 ab", "2 -3 lost", "2 f"}, holes: -1},
		{name: "record lost behind a hole", in: []segment{{2, "c", false}, {5, "f", true}}, want: []string{"2 -2 lost", "2 c", "2 -2 lost", "2 f"}, holes: -1},
		{name: "record of something known lost", in: []segment{{0, "ab", false}, {0, "ab", true}, {2, "c", false}}, want: []string{"1 ab", "3 c"}, holes: -1},
		{name: "left out", leftOut: 6, in: []segment{{0, "ab", false}, {5, "fg", false}}, want: []string{"1 ab", "2 -3 left out", "2 fg"}, holes: -1},
		{name: "only what is before is left out", leftOut: 5, in: []segment{{0, "ab", false}, {6, "g", false}, {4, "ef", false}}, want: []string{"1 ab", "3 -2 left out", "3 ef", "3 g"}, holes: -1},
		{name: "more than may be held", most: leastHeld, in: []segment{{2, "cd", false}, {5, "fg", false}}, want: []string{"2 -2 overrun", "2 cd"}, holes: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Stream
			var got recorder
			a := NewBudget(1 << 20)
			if tt.most > 0 {
				a = NewBudget(tt.most)
			}
			s.LeaveOut(tt.leftOut)
			for i, seg := range tt.in {
				s.Segment(ktime.Time(i+1), seg.off, []byte(seg.b), seg.lost, a, &got)
			}
			if tt.flush {
				s.Flush(9, a, &got)
			}
			if diff := cmp.Diff(tt.want, got.calls); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if holes, ok := s.Holes(); ok != (tt.holes >= 0) || ok && int(holes) != tt.holes {
				t.Errorf("got %d holes, %t, want %d", holes, ok, tt.holes)
			}
		})
	}
}

// TestHolesLeftOut leaves out all that follows: nobody knows whether one of it was missing.
func TestHolesLeftOut(t *testing.T) {
	var s Stream
	a := NewBudget(1 << 20)
	s.Segment(1, 0, []byte("ab"), false, a, &recorder{})
	for before, want := range map[uint64]bool{2: true, 3: false} {
		s := s
		s.LeaveOut(before)
		if _, ok := s.Holes(); ok != want {
			t.Errorf("known is %t with bytes left out before %d", ok, before)
		}
	}
}

// whole collects the bytes and demands that none is missing.
type whole struct {
	t   *testing.T
	buf bytes.Buffer
}

func (w *whole) Data(_ ktime.Time, b []byte) { w.buf.Write(b) }

func (w *whole) Missing(_ ktime.Time, n uint64, _ Cause) { w.t.Errorf("%d bytes are missing", n) }

// TestShuffled sends streams in segments that overlap, are late, and are repeated.
func TestShuffled(t *testing.T) {
	a := NewBudget(1 << 20)
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		want := make([]byte, 1+rng.IntN(5000))
		for i := range want {
			want[i] = byte(rng.Uint32())
		}
		type segment struct{ from, to int }
		var segments []segment
		for at := 0; at < len(want); {
			to := min(len(want), at+1+rng.IntN(300))
			from := max(0, at-rng.IntN(50))
			segments = append(segments, segment{from, to})
			if rng.IntN(5) == 0 {
				segments = append(segments, segment{rng.IntN(to), to})
			}
			at = to
		}
		for i := range segments { // late by up to 8 segments
			j := min(len(segments)-1, i+rng.IntN(8))
			segments[i], segments[j] = segments[j], segments[i]
		}
		var s Stream
		got := &whole{t: t}
		for _, seg := range segments {
			s.Segment(0, uint64(seg.from), want[seg.from:seg.to], false, a, got)
		}
		if !bytes.Equal(got.buf.Bytes(), want) || len(s.early.pieces) > 0 || s.next != uint64(len(want)) {
			t.Fatalf("seed %d: got %d bytes, want %d; %v held", seed, got.buf.Len(), len(want), s.early.pieces)
		}
		s.Flush(0, a, got)
	}
}

// flusher ends another Stream as soon as it has bytes.
type flusher struct {
	recorder
	flush func()
}

func (f *flusher) Data(at ktime.Time, b []byte) {
	f.flush()
	f.recorder.Data(at, b)
}

// TestFlushInside ends a Stream that holds bytes, while another one hands on the bytes that
// it held.
func TestFlushInside(t *testing.T) {
	a := NewBudget(1 << 20)
	var s, other Stream
	var otherGot recorder
	other.Segment(1, 5, []byte("later"), false, a, &otherGot)
	got := &flusher{flush: func() { other.Flush(2, a, &otherGot) }}
	s.Segment(3, 2, []byte("cd"), false, a, got)
	s.Segment(3, 4, []byte("ef"), false, a, got)
	s.Segment(4, 0, []byte("ab"), false, a, got)
	s.Segment(5, 6, []byte("g"), false, a, got)
	for _, c := range []struct {
		name string
		got  recorder
		want []string
	}{
		{"outer", got.recorder, []string{"4 ab", "4 cd", "4 ef", "5 g"}},
		{"inner", otherGot, []string{"2 -5 overrun", "2 later"}},
	} {
		if diff := cmp.Diff(c.want, c.got.calls); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, diff)
		}
	}
}

// placed compares all bytes that are handed on with the sent stream.
type placed struct {
	t    *testing.T
	want []byte
	at   uint64
}

func (p *placed) Data(_ ktime.Time, b []byte) {
	if end := p.at + uint64(len(b)); end > uint64(len(p.want)) || !bytes.Equal(b, p.want[p.at:end]) {
		p.t.Fatalf("%d bytes at %d are not those that were sent", len(b), p.at)
	}
	p.at += uint64(len(b))
}

func (p *placed) Missing(_ ktime.Time, n uint64, _ Cause) { p.at += n }

// TestDamaged sends streams with segments that are missing, reported as lost, left out,
// late, and repeated. Each byte that is handed on is in its place.
func TestDamaged(t *testing.T) {
	a := NewBudget(10 * leastHeld)
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		want := make([]byte, 20_000)
		for i := range want {
			want[i] = byte(rng.Uint32())
		}
		var s Stream
		got := &placed{t: t, want: want}
		for at := 0; at < len(want); {
			from := max(0, at+rng.IntN(600)-400)
			to := min(len(want), from+1+rng.IntN(4000))
			if rng.IntN(20) == 0 {
				s.LeaveOut(uint64(at + rng.IntN(3000)))
			}
			switch lost := rng.IntN(10) == 0; {
			case from >= to || rng.IntN(10) == 0:
			default:
				s.Segment(0, uint64(from), want[from:to], lost, a, got)
			}
			at = max(at, to)
		}
		s.Flush(0, a, got)
		if got.at != s.next || len(s.early.pieces) > 0 {
			t.Fatalf("seed %d: %d bytes are handed on or missing, and %d is next; %v held", seed, got.at, s.next, s.early.pieces)
		}
	}
}
