//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"os"
	"testing"
)

// TestHello sends a stream that begins like a ClientHello in pieces. Some pieces overtake
// others or are repeated. Nothing else of the stream is reported.
func TestHello(t *testing.T) {
	const size = 5 + 12_000
	type piece struct {
		from, to  int
		overtakes bool
	}
	for _, tt := range []struct {
		name      string
		pieces    []piece
		cleartext bool // the server's end looks like HTTP
	}{
		{"whole", []piece{{0, size, false}}, false},
		{"its first byte alone", []piece{{0, 1, false}, {1, 700, false}, {700, size, false}}, false},
		{"the last overtakes", []piece{{0, 500, false}, {900, 1500, true}, {500, size, false}}, false},
		{"one overtakes and comes again", []piece{{0, 300, false}, {700, 1100, true}, {400, 1100, true}, {300, 1000, false}, {1000, size, false}}, false},
		{"one overtakes the first", []piece{{500, 900, true}, {0, 500, false}, {500, size, false}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 16 << 20})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err.Error())
			}
			want := make([]byte, size)
			_, _ = rand.NewChaCha8([32]byte{1}).Read(want) // never fails
			copy(want, "\x16\x03\x01")
			binary.BigEndian.PutUint16(want[3:], size-5)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			client, server := pair(t, ln)
			at := 0
			for _, p := range tt.pieces {
				if p.overtakes {
					overtake(t, client, p.from-at, want[p.from:p.to])
					continue
				}
				say(t, client, server, string(want[p.from:p.to]))
				at = p.to
			}
			say(t, server, client, "\x16\x03\x03 and so on")
			say(t, client, server, "\x14\x03\x03\x00\x01\x01")
			sent, received, segments := readHellos(t, c, want)
			if tt.cleartext {
				received, segments = segments, received
			}
			if sent != size || received != size || segments != 0 {
				t.Errorf("sent %d bytes, received %d, %d as HTTP, want %d, %d, 0", sent, received, segments, size, size)
			}
		})
	}
}

// readHellos returns how many bytes of a ClientHello were seen: in sent packets, in
// received packets, and in received segments.
func readHellos(t *testing.T, c *Collector, want []byte) (sent, received, segments int) {
	t.Helper()
	hellos := [2][]bool{make([]bool, len(want)), make([]bool, len(want))}
	others := make([]bool, len(want))
	see := func(seen []bool, at int, b []byte) {
		if at+len(b) > len(want) || !bytes.Equal(b, want[at:at+len(b)]) {
			t.Errorf("%d bytes at %d are not of the hello", len(b), at)
			return
		}
		for i := range b {
			seen[at+i] = true
		}
	}
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Hello:
			see(hellos[e.Dir], int(e.Seq), e.Payload)
		case *Segment:
			if e.Dir == Recv && e.Offset < uint64(len(want)) {
				see(others, int(e.Offset), e.Payload)
			}
		}
	})
	count := func(seen []bool) (n int) {
		for _, s := range seen {
			if s {
				n++
			}
		}
		return n
	}
	return count(hellos[Send]), count(hellos[Recv]), count(others)
}
