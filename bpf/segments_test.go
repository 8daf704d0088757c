//go:build linux

package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/net/http2"
)

// TestSegments sends a stream in segments that are cut anywhere, repeated, and
// reordered: each byte is reported as it was sent.
func TestSegments(t *testing.T) {
	t.Run("HTTP", func(t *testing.T) { testSegments(t, Options{BufferSize: 16 << 20}, http2.ClientPreface) })
	t.Run("TLS", func(t *testing.T) { testSegments(t, Options{BufferSize: 16 << 20, Wire: true}, "\x16\x03\x01\x02\x00") })
}

func testSegments(t *testing.T, opts Options, first string) {
	c := newUnattached(t, opts)
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	const size = 45_000
	tests := map[string][][2]int{
		"one segment":    {{0, size}},
		"a byte each":    {{0, 1}, {1, 2}, {2, 3}, {3, size}},
		"preface alone":  {{0, 24}, {24, size}},
		"sizes":          {{0, 128}, {128, 257}, {257, 769}, {769, 1282}, {1282, 3330}, {3330, 5379}, {5379, 13571}, {13571, 21764}, {21764, 38148}, {38148, size}},
		"sent again":     {{0, 9000}, {8500, 12_000}, {0, 20_000}, {19_000, size}},
		"overtaken":      {{0, 3000}, {9000, 12_000}, {3000, 9000}, {12_000, size}},
		"the first late": {{0, 16}, {6000, 9000}, {3000, 6000}, {16, 3000}, {9000, size}},
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		tests[fmt.Sprintf("random %d", seed)] = randomCuts(rng, size)
	}
	for name, cuts := range tests {
		t.Run(name, func(t *testing.T) {
			stream := append([]byte(first), randomBytes(rand.New(rand.NewPCG(1, 2)), size)...)[:size]
			in := newInjector(t)
			sent := 0
			for _, cut := range cuts {
				in.send(stream, cut[0], cut[1])
				sent += cut[1] - cut[0]
			}
			if got := in.await(size); !bytes.Equal(got, stream) {
				t.Fatal("TCP made something else of the segments")
			}
			in.settle()
			checkSegments(t, c, stream, sent)
		})
	}
}

// TestSegmentsFit fills most of the ring with segments that are little longer than half
// of the longest record.
func TestSegmentsFit(t *testing.T) {
	c := newUnattached(t, Options{BufferSize: 1 << 20, Wire: true})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	const size = 33_000
	stream := append([]byte("\x16\x03\x01\x02\x00"), randomBytes(rand.New(rand.NewPCG(1, 2)), 20*size)...)[:20*size]
	in := newInjector(t)
	for from := 0; from < len(stream); from += size {
		in.send(stream, from, from+size)
		if got := in.await(size); !bytes.Equal(got, stream[from:from+size]) {
			t.Fatal("TCP made something else of the segments")
		}
	}
	in.settle()
	checkSegments(t, c, stream, len(stream))
}

// checkSegments requires that the segments of the only connection hold a stream, and
// that all bytes that came are reported, also those that came again.
func checkSegments(t *testing.T, c *Collector, stream []byte, came int) {
	t.Helper()
	known := make([]bool, len(stream))
	records := uint64(0)
	for {
		e, err := c.Read(0)
		if errors.Is(err, ErrNoRecord) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		s, ok := e.(*Segment)
		if !ok || s.Dir != Recv {
			continue
		}
		if s.Seq != records {
			t.Fatalf("got record %d, want %d", s.Seq, records)
		}
		records++
		end := s.Offset + uint64(len(s.Payload))
		if end > uint64(len(stream)) || !bytes.Equal(s.Payload, stream[s.Offset:end]) {
			t.Fatalf("%d bytes at %d are not those that were sent", len(s.Payload), s.Offset)
		}
		for i := s.Offset; i < end; i++ {
			known[i] = true
		}
		came -= len(s.Payload)
	}
	if i := bytes.IndexByte(flags(known), 0); i >= 0 || came != 0 {
		t.Errorf("byte %d is missing; %d bytes that came are not reported", i, came)
	}
}

func flags(of []bool) []byte {
	b := make([]byte, len(of))
	for i, is := range of {
		if is {
			b[i] = 1
		}
	}
	return b
}

// randomCuts cuts n bytes into segments. Some of them overlap, are late, or are repeated.
// The first one comes first: it shows the protocol.
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

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
