package bpf

import (
	"io"
	"net"
	"os"
	"testing"
)

// TestSockets holds what the sockets of this process have moved against what it
// did move.
func TestSockets(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const size = 3_000_000
	go func() { _, _ = client.Write(make([]byte, size)) }()
	if _, err := io.ReadFull(server, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	moved, err := c.Sockets()
	if err != nil {
		t.Fatal(err)
	}
	if len(moved) > 0 {
		t.Errorf("sockets of processes that are no targets: %v", moved)
	}
	if err := c.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if moved, err = c.Sockets(); err != nil {
		t.Fatal(err)
	}
	if got := moved[os.Getpid()]; got[Recv] < size || got[Recv] > 2*size {
		t.Errorf("got %v, want %d received", got, size)
	}
}
