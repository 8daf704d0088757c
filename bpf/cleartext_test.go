//go:build linux

package bpf

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestPlain sends streams that begin like HTTP over loopback, in both directions, and
// others.
func TestPlain(t *testing.T) {
	for _, tt := range []struct {
		name, addr, first string
		sizes             []int
		opens             bool
	}{
		{"HTTP/1.1", "127.0.0.1:0", "GET / HTTP/1.1\r\n", []int{1, 127, 128, 129, 511, 513, 2048, 2049, 16384, 16385, 300_000}, true},
		{"HTTP/2 over IPv6", "[::1]:0", "PRI * HTTP/2.0\r\n", []int{100_000}, true},
		{"first bytes alone", "127.0.0.1:0", "G", []int{100}, true},
		{"TLS", "127.0.0.1:0", "\x16\x03\x01\x00\x20", []int{2000}, false},
		{"something else", "127.0.0.1:0", "\x00\x01\x02\x03", []int{2000}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 16 << 20})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err.Error())
			}
			rng := rand.NewChaCha8([32]byte{1})
			sent := bytes.NewBufferString(tt.first)
			for _, n := range tt.sizes {
				b := make([]byte, n)
				_, _ = rng.Read(b) // never fails
				sent.Write(b)
			}
			want := [2][]byte{sent.Bytes(), []byte("HTTP/1.1 200 OK\r\n\r\n")}
			got := observe(t, c, func() { converse(t, tt.addr, want, append([]int{len(tt.first)}, tt.sizes...)) })
			checkLedger(t, c, got)
			if n := len(got.opens); tt.opens != (n == 2) || !tt.opens && n > 0 {
				t.Fatalf("got %d connections", n)
			}
			for id, open := range got.opens {
				s, r := Send, Recv
				if open.Role == RoleServer {
					s, r = r, s
				}
				cl, ok := got.closes[id]
				if open.Wire != WireHTTP || !open.Handshake || !ok || wireOf(cl.Conn) != WireHTTP || !cl.Socket {
					t.Errorf("opened by %+v, closed by %+v", open, cl)
				}
				for dir, want := range map[int][]byte{s: want[0], r: want[1]} {
					if b := got.data[id][dir].Bytes(); !bytes.Equal(b, want) || cl.Offset[dir] != uint64(len(want)) {
						t.Errorf("role %d, direction %d: got %d bytes, %d at the close, want %d", open.Role, dir, len(b), cl.Offset[dir], len(want))
					}
				}
				if made := open.Established != 0; made != (open.Role == RoleClient) {
					t.Errorf("role %d: connected: %t", open.Role, made)
				}
			}
		})
	}
}

// converse makes a client send want[0] in pieces, and a server answer want[1].
func converse(t *testing.T, addr string, want [2][]byte, sizes []int) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, len(want[0]))); err != nil {
			done <- err
			return
		}
		_, err = conn.Write(want[1])
		done <- err
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	at := 0
	for _, n := range sizes {
		if _, err := conn.Write(want[0][at : at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestFollowed sends HTTP/2 over loopback. What is reported are the bytes that were sent, and
// what is left out is payload of DATA. Of what the process sends, which is in order, all of
// that is left out but short parts.
func TestFollowed(t *testing.T) {
	const frames, size = 100, 16 << 10
	var stream bytes.Buffer
	stream.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&stream, nil)
	bulk := make(map[uint64]bool) // by offset
	for i := range frames {
		stream.Grow(2 * size)
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, i), EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
		if err := framer.WriteData(1, false, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		for at := stream.Len() - size; at < stream.Len(); at++ {
			bulk[uint64(at)] = true
		}
	}
	c := newCollector(t, Options{BufferSize: 16 << 20})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	want := [2][]byte{stream.Bytes(), []byte("no HTTP/2")}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	converse(t, "127.0.0.1:0", want, []int{100, 100_000, 9, stream.Len() - 100_109})
	roles := make(map[uint64]Role)
	known := map[Role][]bool{RoleClient: make([]bool, stream.Len()), RoleServer: make([]bool, stream.Len())}
	leftOut := make(map[Role]int)
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Open:
			roles[e.Conn] = e.Role
		case *Segment:
			role := roles[e.Conn]
			if (e.Dir == Send) != (role == RoleClient) {
				return // the answer
			}
			end := e.Offset + uint64(len(e.Payload))
			if end > uint64(stream.Len()) || !bytes.Equal(e.Payload, want[0][e.Offset:end]) {
				t.Errorf("%d bytes at %d are not those that were sent", len(e.Payload), e.Offset)
				return
			}
			for at := e.Offset; at < end+uint64(e.LeftOut); at++ {
				if at >= end && !bulk[at] {
					t.Errorf("byte %d is left out", at)
					return
				}
				known[role][at] = true
			}
			leftOut[role] += e.LeftOut
		}
	})
	for role, is := range known {
		if i := slices.Index(is, false); i >= 0 {
			t.Errorf("role %d: byte %d is not reported", role, i)
		}
	}
	if got := leftOut[RoleClient]; got < len(bulk)*9/10 {
		t.Errorf("%d of %d bytes of DATA that are sent are left out", got, len(bulk))
	}
}

// TestLeftOut makes the kernel skip most of a stream, and then all of it.
func TestLeftOut(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20})
	if err := c.PacketsWatched(); err != nil {
		t.Skip(err.Error())
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const first, body = "POST / HTTP/1.1\r\n\r\n", 1 << 20
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	conn, peer := pair(t, ln)
	say(t, conn, peer, first)
	var s *Segment
	next := func() bool {
		t.Helper()
		for {
			e, err := c.Read(50 * time.Millisecond)
			if errors.Is(err, ErrNoRecord) {
				return false
			}
			if err != nil {
				t.Fatal(err)
			}
			if sent, ok := e.(*Segment); ok && sent.Dir == Send {
				s = sent
				return true
			}
		}
	}
	if !next() || string(s.Payload) != first {
		t.Fatalf("got %q, want %q", s.Payload, first)
	}
	id := s.Conn
	if _, err := c.Connections.Wish(id, Wish{Payload: &PayloadWish{Until: [2]uint64{Send: uint64(len(first) + body)}}}); err != nil {
		t.Fatal(err)
	}
	say(t, conn, peer, strings.Repeat("x", body-1))
	say(t, conn, peer, "Z")
	if !next() || string(s.Payload) != "Z" || s.Seq != 1 || s.Offset != uint64(len(first)+body-1) {
		t.Errorf("got record %d at %d with %.20q, want the last byte of the body", s.Seq, s.Offset, s.Payload)
	}
	if _, err := c.Connections.Wish(id, Wish{Payload: &PayloadWish{Nothing: true}}); err != nil {
		t.Fatal(err)
	}
	say(t, conn, peer, "not wanted")
	if next() {
		t.Errorf("got %.20q, want nothing", s.Payload)
	}
}
