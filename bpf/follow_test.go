package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/net/http2"
)

// framed is a stream of frames, with the bytes that may be skipped.
type framed struct {
	bytes    []byte
	unwanted []bool // by byte
	starts   []int  // of frames
}

func newFramed() *framed {
	return &framed{bytes: []byte(http2.ClientPreface), unwanted: make([]bool, len(http2.ClientPreface))}
}

// add adds a frame (RFC 9113 §4.1). The first wanted bytes of a DATA payload
// are wanted.
func (f *framed) add(typ http2.FrameType, flags http2.Flags, payload []byte, wanted int) {
	f.starts = append(f.starts, len(f.bytes))
	n := len(payload)
	f.bytes = append(f.bytes, byte(n>>16), byte(n>>8), byte(n), byte(typ), byte(flags))
	f.bytes = binary.BigEndian.AppendUint32(f.bytes, 1)
	f.bytes = append(f.bytes, payload...)
	f.unwanted = append(f.unwanted, make([]bool, 9+n)...)
	if typ == http2.FrameData {
		for i := min(wanted, n); i < n; i++ {
			f.unwanted[len(f.bytes)-n+i] = true
		}
	}
}

func (f *framed) data(n int)     { f.add(http2.FrameData, 0, bytes.Repeat([]byte("d"), n), 0) }
func (f *framed) settings(n int) { f.add(http2.FrameSettings, 0, make([]byte, 6*n), 0) }

// follower checks what is reported of injected segments.
type follower struct {
	*injector
	c    *Collector
	conn uint64
	got  []Segment
}

func newFollower(t *testing.T, opts Options) *follower {
	t.Helper()
	opts.BufferSize = 16 << 20
	c := newCollector(t, opts)
	if err := c.PacketsWatched(); err != nil {
		skipOrFail(t, err.Error())
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	return &follower{c: c}
}

// connect begins another connection.
func (f *follower) connect(t *testing.T) {
	f.injector, f.conn, f.got = newInjector(t), 0, nil
}

// read reads all records of the sent segments, and returns the last.
func (f *follower) read() Segment {
	f.t.Helper()
	f.settle()
	for {
		e, err := f.c.Read(0)
		if errors.Is(err, ErrNoRecord) {
			break
		}
		if err != nil {
			f.t.Fatal(err)
		}
		s, ok := e.(*Segment)
		if !ok {
			continue
		}
		if f.conn == 0 {
			f.conn = s.Conn
		}
		if s.Conn == f.conn {
			own := *s
			own.Payload = bytes.Clone(s.Payload)
			f.got = append(f.got, own)
		}
	}
	if len(f.got) == 0 {
		f.t.Fatal("no records")
	}
	return f.got[len(f.got)-1]
}

// check requires that the copied bytes are those sent, that no wanted byte was
// skipped, and that none is missing. It returns how many of the bytes that may be
// skipped were skipped.
func (f *follower) check(want *framed) (leftOut, mayBe int) {
	f.t.Helper()
	const copied, left = 1, 2
	known := make([]int, len(want.bytes))
	for i, d := range f.got {
		at := int(d.Offset)
		if d.Seq != uint64(i) || at+d.LeftOut+len(d.Payload) > len(want.bytes) {
			f.t.Fatalf("record %d of %d at %d, want the next of the stream", d.Seq, i, at)
		}
		for j := range d.LeftOut {
			if !want.unwanted[at+j] {
				f.t.Fatalf("byte %d was left out", at+j)
			}
			known[at+j] |= left
		}
		at += d.LeftOut
		if !bytes.Equal(d.Payload, want.bytes[at:at+len(d.Payload)]) {
			f.t.Fatalf("%d bytes at %d are not those that were sent", len(d.Payload), at)
		}
		for j := range d.Payload {
			known[at+j] |= copied
		}
	}
	for at, k := range known {
		if k == 0 {
			f.t.Fatalf("byte %d is missing", at)
		}
		if want.unwanted[at] {
			mayBe++
			if k == left {
				leftOut++
			}
		}
	}
	return leftOut, mayBe
}

// TestFollow sends frames in segments that are cut in the middle of headers,
// repeated, and reordered.
func TestFollow(t *testing.T) {
	f := newFollower(t, Options{})
	mixed := newFramed()
	mixed.settings(3)
	mixed.data(3000)
	mixed.add(http2.FrameHeaders, http2.FlagHeadersEndHeaders, make([]byte, 100), 0)
	mixed.add(http2.FrameData, http2.FlagDataPadded, append([]byte{200}, make([]byte, 3000)...), 1)
	mixed.data(5000)
	mixed.settings(1)
	header := mixed.starts[4] // of the last DATA frame
	odd := newFramed()        // with a payload that looks like frames
	odd.data(3000)
	odd.data(3000)
	odd.add(http2.FrameData, 0, slices.Concat(make([]byte, 3000), []byte{0, 15, 160, 0, 0, 0, 0, 0, 1}, make([]byte, 3000)), 0)
	third := odd.starts[2]
	odd.settings(2)
	odd.data(7000)
	small := newFramed()
	small.data(3000)
	for range 250 {
		small.data(20)
	}
	small.data(3000)
	empty := newFramed() // nearly as many as fit
	empty.data(3000)
	for range 6500 {
		empty.data(0)
	}
	empty.data(3000)
	tests := []struct {
		name   string
		stream *framed
		cuts   [][2]int
		left   int // skipped bytes
	}{
		{"one segment", mixed, [][2]int{{0, len(mixed.bytes)}}, 11_000},
		{"header in pieces", mixed, [][2]int{{0, header + 1}, {header + 1, header + 3}, {header + 3, header + 4}, {header + 4, len(mixed.bytes)}}, 11_000},
		{"preface alone", mixed, [][2]int{{0, 24}, {24, len(mixed.bytes)}}, 11_000},
		{"sent again, cut elsewhere", mixed, [][2]int{{0, header - 10}, {header - 500, header + 2}, {0, header - 700}, {header + 1, header + 3000}, {header - 1, len(mixed.bytes)}}, 5699}, // repeated bytes are copied
		{"overtaken in a payload", mixed, [][2]int{{0, header + 500}, {header + 3000, len(mixed.bytes)}, {header + 500, header + 3000}}, 11_000 - 491 - 2500},
		{"overtaken, but no header", odd, [][2]int{{0, third - 1509}, {third + 1500, third + 6009}, {third - 1509, third + 1500}, {third + 6009, len(odd.bytes)}}, 3000 + 1509 + 9 + 7000},
		{"small frames", small, [][2]int{{0, len(small.bytes)}}, 6000},
		{"empty frames", empty, [][2]int{{0, len(empty.bytes)}}, 6000},
	}
	for k := range 10 {
		cut := header + k
		tests = append(tests, struct {
			name   string
			stream *framed
			cuts   [][2]int
			left   int
		}{"header cut at " + strconv.Itoa(k), mixed, [][2]int{{0, cut}, {cut, len(mixed.bytes)}}, 11_000})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.connect(t)
			for _, c := range tt.cuts {
				f.send(tt.stream.bytes, c[0], c[1])
			}
			if got := f.await(len(tt.stream.bytes)); !bytes.Equal(got, tt.stream.bytes) {
				t.Fatal("TCP made something else of the segments")
			}
			last := f.read()
			if left, _ := f.check(tt.stream); left != tt.left {
				t.Errorf("%d bytes are left out, want %d", left, tt.left)
			}
			if !last.Followed {
				t.Error("the place is lost")
			}
		})
	}
}

// TestGuide gives a kernel that does not know the frame boundaries an offset: one in
// the past, and others.
func TestGuide(t *testing.T) {
	f := newFollower(t, Options{})
	stream := newFramed()
	for range 20 {
		stream.data(3000)
	}
	for _, tt := range []struct {
		name  string
		place int // a frame
		left  int // skipped frames
	}{
		{"gone by", 2, 0},
		{"next", 5, 15},
		{"in the next segment", 6, 14},
		{"not there yet", 12, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.connect(t)
			f.send(stream.bytes, 0, 10) // the preface is incomplete
			f.send(stream.bytes, 10, stream.starts[5])
			if d := f.read(); d.Followed || d.LeftOut > 0 {
				t.Fatalf("got %+v, want it not followed", d)
			}
			f.guide(stream.starts[tt.place])
			f.send(stream.bytes, stream.starts[5], stream.starts[8])
			f.send(stream.bytes, stream.starts[8], len(stream.bytes))
			f.await(len(stream.bytes))
			f.read()
			if left, _ := f.check(stream); left != 3000*tt.left {
				t.Errorf("%d bytes are left out, want %d", left, 3000*tt.left)
			}
		})
	}
}

// TestOvertaken sends segments with headers before the segment with the header in
// front of them. The kernel continues at the offset that it is given.
func TestOvertaken(t *testing.T) {
	f := newFollower(t, Options{})
	stream := newFramed()
	for range 20 {
		stream.data(3000)
	}
	at := stream.starts
	for _, tt := range []struct {
		name string
		cuts [][2]int
	}{
		{"by one", [][2]int{{0, at[2] + 2500}, {at[3] + 1, at[6]}, {at[2] + 2500, at[3] + 1}, {at[6], at[8]}}},
		{"by several", [][2]int{{0, at[2] + 2500}, {at[4] + 50, at[6]}, {at[3] + 1, at[4] + 50}, {at[2] + 2500, at[3] + 1}, {at[6], at[8]}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.connect(t)
			for _, c := range tt.cuts {
				f.send(stream.bytes, c[0], c[1])
			}
			if f.read().Followed {
				t.Fatal("followed, but a header came in pieces")
			}
			f.guide(at[8])
			f.send(stream.bytes, at[8], len(stream.bytes))
			f.await(len(stream.bytes))
			if !f.read().Followed {
				t.Error("the place is lost")
			}
			// All but the frames from the one whose header was split, up to the
			// offset that the kernel was given.
			if left, _ := f.check(stream); left != 3000*(3+12) {
				t.Errorf("%d bytes are left out, want %d", left, 3000*(3+12))
			}
		})
	}
}

func (f *follower) guide(place int) {
	f.t.Helper()
	if _, err := f.c.Connections.Wish(f.conn, Wish{Payload: &PayloadWish{Place: [2]uint64{Recv: uint64(place)}}}); err != nil {
		f.t.Fatal(err)
	}
}

// TestFollowRandom sends random frames in random segments, and gives correct offsets,
// some of them too late: no wanted byte is skipped, and the copied bytes are right.
func TestFollowRandom(t *testing.T) {
	for _, bodyBytes := range []int{0, 10} {
		f := newFollower(t, Options{BodyBytes: bodyBytes})
		left, mayBe := 0, 0
		for seed := range uint64(60) {
			rng := rand.New(rand.NewPCG(seed, uint64(bodyBytes)))
			stream := randomFramed(rng, bodyBytes)
			f.connect(t)
			for i, c := range randomCuts(rng, len(stream.bytes)) {
				f.send(stream.bytes, c[0], c[1])
				if i > 3 && rng.IntN(4) == 0 {
					f.read()
					f.guide(stream.starts[rng.IntN(len(stream.starts))])
				}
			}
			if got := f.await(len(stream.bytes)); !bytes.Equal(got, stream.bytes) {
				t.Fatalf("seed %d: TCP made something else of the segments", seed)
			}
			f.read()
			l, m := f.check(stream)
			left, mayBe = left+l, mayBe+m
		}
		if left < mayBe/8 { // most segments are out of order, or repeated
			t.Errorf("%d of %d bytes are left out, want more", left, mayBe)
		}
	}
}

func randomFramed(rng *rand.Rand, bodyBytes int) *framed {
	f := newFramed()
	usual := 2500 + rng.IntN(4000)
	for len(f.bytes) < 45_000 {
		switch rng.IntN(10) {
		case 0:
			f.settings(rng.IntN(4))
		case 1:
			payload := randomBytes(rng, 1+rng.IntN(3000))
			payload[0] = 0
			f.add(http2.FrameData, http2.FlagDataPadded, payload, 1+bodyBytes)
		case 2:
			f.add(http2.FrameData, 0, randomBytes(rng, rng.IntN(3000)), bodyBytes)
		default:
			f.add(http2.FrameData, 0, randomBytes(rng, usual), bodyBytes)
		}
	}
	return f
}

// randomCuts cuts n bytes into segments, of which some overlap, are late or repeated.
func randomCuts(rng *rand.Rand, n int) [][2]int {
	var cuts [][2]int
	for at := 0; at < n; {
		to := min(n, at+1+rng.IntN(5000))
		from := at
		if rng.IntN(5) == 0 {
			from = rng.IntN(at + 1)
		}
		cuts = append(cuts, [2]int{from, to})
		if rng.IntN(10) == 0 {
			cuts = append(cuts, [2]int{rng.IntN(to), to})
		}
		at = to
	}
	for i := 1; i < len(cuts); i++ {
		if rng.IntN(5) == 0 {
			j := min(len(cuts)-1, i+1+rng.IntN(3))
			cuts[i], cuts[j] = cuts[j], cuts[i]
		}
	}
	return cuts
}
