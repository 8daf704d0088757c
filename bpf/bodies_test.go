package bpf

import (
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLeaveOut makes the kernel skip a part of a stream that is not HTTP/2.
func TestLeaveOut(t *testing.T) {
	const head, size = 100, 300_000
	for _, test := range []struct {
		name  string
		until uint64
	}{
		{"some", 200_001},
		{"all but the head", size},
		{"more than comes", size + 1},
		{"what has been before", head},
	} {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, test.until))
			stream := randomBytes(rng, size)
			copy(stream, "HTTP/1.1 200 OK\r\n")
			c := newCollector(t, Options{BufferSize: 4 << 20})
			got := observe(t, c, func() { exchangeBody(t, c, stream, head, test.until, rng) })
			want := slices.Concat(stream[:head], stream[min(size, max(head, test.until)):])
			checkSent(t, got, want, size)
			checkLedger(t, c, got)
		})
	}
}

// exchangeBody sends a stream over TLS, and has the bytes after its head skipped at
// both ends.
func exchangeBody(t *testing.T, c *Collector, stream []byte, head int, until uint64, rng *rand.Rand) {
	ln, config := listen(t)
	begun, received := make(chan struct{}), make(chan []byte, 1)
	go func() {
		defer close(received)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		all := make([]byte, head)
		if _, err := io.ReadFull(conn, all); err != nil {
			return
		}
		close(begun)
		rest, _ := io.ReadAll(conn)
		received <- append(all, rest...)
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(stream[:head]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-begun:
	case <-received:
		t.Fatal("the server has ended")
	}
	states, err := c.Connections.Conns()
	if err != nil || len(states) != 2 {
		t.Fatalf("got %d connections, %v", len(states), err)
	}
	for _, s := range states {
		if _, err := c.Connections.Wish(s.ID, Wish{Payload: &PayloadWish{Until: [2]uint64{until, until}}}); err != nil {
			t.Fatal(err)
		}
	}
	for rest := stream[head:]; len(rest) > 0; {
		n := min(1+rng.IntN(40_000), len(rest))
		if _, err := conn.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-received; !bytes.Equal(got, stream) {
		t.Fatalf("the peers themselves disagree: %d bytes sent, %d received", len(stream), len(got))
	}
	for _, s := range states {
		if err := c.Connections.Forget(Entry{ID: s.ID}); err != nil {
			t.Error(err)
		}
	}
}
