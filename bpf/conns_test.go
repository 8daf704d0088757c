//go:build linux

package bpf

import (
	"crypto/tls"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
)

// TestManyConnections opens connections one after the other and at the same time:
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
