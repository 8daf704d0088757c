//go:build linux

package bpf

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
)

// TestStale loses records of one direction: records of the other direction are stale
// until one of the first reports the loss.
func TestStale(t *testing.T) {
	t.Run("TLS", func(t *testing.T) {
		ln, config := listen(t)
		dial := func() (net.Conn, error) { return tls.Dial("tcp", ln.Addr().String(), config) }
		stale(t, false, ln, dial)
	})
	t.Run("without TLS", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }
		stale(t, true, ln, dial)
	})
}

func stale(t *testing.T, cleartext bool, ln net.Listener, dial func() (net.Conn, error)) {
	c := newCollector(t, Options{BufferSize: MinBufferSize})
	if err := c.PacketsWatched(); cleartext && err != nil {
		t.Skip(err.Error())
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		defer close(accepted)
		conn, err := ln.Accept()
		if c, ok := conn.(*tls.Conn); ok {
			err = c.Handshake()
		}
		if err != nil {
			t.Error(err)
			return
		}
		accepted <- conn
	}()
	client, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, ok := <-accepted
	if !ok {
		t.FailNow()
	}
	defer server.Close()
	say(t, client, server, "GET / HTTP/1.1\r\n")

	for chunk := strings.Repeat("x", 100); ; {
		ledger, err := c.Connections.Ledger()
		if err != nil {
			t.Fatal(err)
		}
		if ledger.LostBytes[RingFull] > 1000 { // of both ends
			break
		}
		say(t, client, server, chunk)
	}
	staleRecords(t, c, cleartext)
	for _, step := range []struct {
		from, to net.Conn
		want     bool
	}{{server, client, true}, {client, server, false}, {server, client, false}} {
		say(t, step.from, step.to, "word")
		if n := staleRecords(t, c, cleartext); (n > 0) != step.want {
			t.Errorf("%d records are stale, want some: %t", n, step.want)
		}
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
}

// staleRecords reads all events, and counts the stale data records.
func staleRecords(t *testing.T, c *Collector, cleartext bool) (n int) {
	t.Helper()
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Data:
			if !cleartext && e.Stale {
				n++
			}
		case *Segment:
			if cleartext && e.Stale {
				n++
			}
		}
	})
	return n
}
