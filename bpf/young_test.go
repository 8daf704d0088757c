//go:build linux

package bpf

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"unsafe"

	"h2trace/bpf/plan"
)

// TestImplicitHandshake opens connections without a call of Handshake: it happens
// inside the first Write of the client, and the first Read or Write of the server.
// They have no socket and are never closed. So only their handshake separates them
// from earlier connections at the same addresses.
func TestImplicitHandshake(t *testing.T) {
	for _, test := range []struct {
		name string
		opts Options
	}{
		{"auto", Options{}},
		{"entry-ret", Options{Mode: plan.EntryRet}},
		{"unknown release", Options{unknownRelease: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.opts.BufferSize = 4 << 20
			checkImplicitHandshakes(t, newCollector(t, test.opts), test.opts.unknownRelease)
		})
	}
}

func checkImplicitHandshakes(t *testing.T, c *Collector, unknown bool) {
	_, client := listen(t)
	server := &tls.Config{Certificates: []tls.Certificate{certificateOf(t)}}
	want := map[string]int{}
	addresses := map[uintptr]int{}
	var kept []net.Conn
	got := observe(t, c, func() {
		for round := 0; reused(addresses) < 5; round++ {
			if round == 1000 {
				t.Fatal("no connection has the address of an earlier one")
			}
			text := fmt.Sprintf("round %d", round)
			below, at := greet(t, client, server, text, round%2 == 0)
			if addresses[at]++; unknown {
				kept = append(kept, below[:]...) // only their addresses separate connections
			}
			want[text] += 2 // one of each role
			runtime.GC()
		}
	})
	for id, open := range got.opens {
		sent, received := got.data[id][Send].String(), got.data[id][Recv].String()
		if sent != received || want[sent] == 0 {
			t.Errorf("conn %d, role %d: sent %q, received %q", id, open.Role, sent, received)
		}
		want[sent]--
		if unknown {
			continue
		}
		if h, ok := got.handshakes[id]; !open.Handshake || !ok || h.Version != tls.VersionTLS13 {
			t.Errorf("conn %d, role %d: opened with its handshake: %t; handshake %+v", id, open.Role, open.Handshake, h)
		}
	}
	for text, left := range want {
		if left != 0 {
			t.Errorf("%q: %d connections are missing", text, left)
		}
	}
	runtime.KeepAlive(kept)
	checkLedger(t, c, got)
}

func reused(addresses map[uintptr]int) (n int) {
	for _, uses := range addresses {
		n += uses - 1
	}
	return n
}

// greet has a client and a server send each other a text, and returns the net.Conn of
// each, and the address of the client's tls.Conn. The server reads first, or writes.
func greet(t *testing.T, client, server *tls.Config, text string, reads bool) (below [2]net.Conn, at uintptr) {
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(b, server)
		turns := []func() error{
			func() error { _, err := io.ReadFull(conn, make([]byte, len(text))); return err },
			func() error { _, err := io.WriteString(conn, text); return err },
		}
		if !reads {
			turns[0], turns[1] = turns[1], turns[0]
		}
		err := turns[0]()
		if err == nil {
			err = turns[1]()
		}
		done <- err
	}()
	conn := tls.Client(a, client)
	writes := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, text)
		writes <- err
	}()
	if _, err := io.ReadFull(conn, make([]byte, len(text))); err != nil {
		t.Fatal(err)
	}
	for _, side := range []chan error{done, writes} {
		if err := <-side; err != nil {
			t.Fatal(err)
		}
	}
	return [2]net.Conn{a, b}, uintptr(unsafe.Pointer(conn))
}

// TestFailedHandshake writes twice on a connection whose handshake fails: the first
// Write begins a connection, and neither reports data.
func TestFailedHandshake(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	got := observe(t, c, func() {
		a, b := net.Pipe()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(a, &tls.Config{ServerName: "example.com"})
		for range 2 {
			if _, err := io.WriteString(conn, "hello"); err == nil {
				t.Fatal("a Write went well")
			}
		}
	})
	if len(got.opens) != 1 || len(got.handshakes) != 1 {
		t.Fatalf("got %d connections, %d handshakes, want 1 of each", len(got.opens), len(got.handshakes))
	}
	for id, h := range got.handshakes {
		if text := got.data[id][Send].String(); h.Error == nil || text != "hello" {
			t.Errorf("handshake error %+v, sent %q, want an error, and what the first Write was given", h.Error, text)
		}
	}
}
