package bpf

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
)

// TestManyConnections opens connections one after the other and side by side:
// Go's allocator gives later ones the addresses of earlier ones.
func TestManyConnections(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 16 << 20})
	ln, config := listen(t)
	const rounds, parallel = 40, 5
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	got := observe(t, c, func() {
		for round := range rounds {
			var wg sync.WaitGroup
			for i := range parallel {
				wg.Go(func() { echo(t, ln.Addr().String(), config, fmt.Sprintf("round %d conn %d", round, i)) })
			}
			wg.Wait()
			runtime.GC()
		}
	})
	clients := map[string]int{}
	for id, open := range got.opens {
		if open.Role != RoleClient {
			continue
		}
		if !open.Handshake {
			t.Errorf("conn %d: opened without its handshake", id)
		}
		sent, received := got.data[id][Send].String(), got.data[id][Recv].String()
		if sent != received {
			t.Errorf("conn %d: sent %q, received %q", id, sent, received)
		}
		clients[sent]++
	}
	for round := range rounds {
		for i := range parallel {
			if text := fmt.Sprintf("round %d conn %d", round, i); clients[text] != 1 {
				t.Errorf("%q: on %d connections, want 1", text, clients[text])
			}
		}
	}
	if len(clients) != rounds*parallel {
		t.Errorf("got %d client connections, want %d", len(clients), rounds*parallel)
	}
	checkLedger(t, c, got)
}

// echo sends text on a new connection and waits for it to come back.
func echo(t *testing.T, addr string, config *tls.Config, text string) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	back := make([]byte, len(text))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != text {
		t.Errorf("echo of %q: got %q, %v", text, back, err)
	}
}

// TestWrappedConn hides the TCP connection behind another net.Conn.
func TestWrappedConn(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrap  func(net.Conn) net.Conn
		known bool
	}{
		{"plain", func(c net.Conn) net.Conn { return c }, true},
		{"embedded first", func(c net.Conn) net.Conn { return &counted{c} }, true},
		{"not first", func(c net.Conn) net.Conn { return &labelled{"label", c} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20})
			ln, config := listen(t)
			go func() {
				if conn, err := ln.Accept(); err == nil {
					_, _ = io.Copy(io.Discard, conn)
					conn.Close()
				}
			}()
			got := observe(t, c, func() {
				raw, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				conn := tls.Client(test.wrap(raw), config)
				if _, err := io.WriteString(conn, "hello"); err != nil {
					t.Fatal(err)
				}
				conn.Close()
			})
			for id, open := range got.opens {
				if open.Role != RoleClient {
					continue
				}
				if open.Remote.IsValid() != test.known || test.known && open.Remote.String() != ln.Addr().String() {
					t.Errorf("remote: got %s, want known=%t", open.Remote, test.known)
				}
				if text := got.data[id][Send].String(); text != "hello" {
					t.Errorf("sent: got %q", text)
				}
			}
		})
	}
}

type counted struct {
	net.Conn
}

type labelled struct {
	label string
	net.Conn
}
