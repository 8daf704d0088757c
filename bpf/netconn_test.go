//go:build linux

package bpf

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// TestWrappedConn hides the TCP connection in other types. It is found if exactly one
// path leads to it.
func TestWrappedConn(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20})
	ln, config := listen(t)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}()
		}
	}()
	other, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	local := map[string]net.Addr{}
	got := observe(t, c, func() {
		for _, test := range wrappings(other) {
			raw, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn := tls.Client(test.wrap(raw), config)
			if _, err := io.WriteString(conn, test.name); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			local[test.name] = raw.LocalAddr()
		}
	})
	opens := map[string]Open{}
	for id, open := range got.opens {
		if open.Role == RoleClient {
			opens[got.data[id][Send].String()] = open
		}
	}
	for _, test := range wrappings(other) {
		open, ok := opens[test.name]
		if !ok {
			t.Errorf("%s: no connection", test.name)
			continue
		}
		if open.Remote.IsValid() != test.known {
			t.Errorf("%s: remote %s, want known=%t", test.name, open.Remote, test.known)
		}
		if test.known && (open.Local.String() != local[test.name].String() || open.Remote.String() != ln.Addr().String()) {
			t.Errorf("%s: got %s -> %s, want %s -> %s", test.name, open.Local, open.Remote, local[test.name], ln.Addr())
		}
	}
}

// wrapping is a way to hide a connection.
type wrapping struct {
	name  string
	wrap  func(net.Conn) net.Conn
	known bool
}

func wrappings(other net.Conn) []wrapping {
	tcp := func(c net.Conn) *net.TCPConn { return c.(*net.TCPConn) }
	return []wrapping{
		{"none", func(c net.Conn) net.Conn { return c }, true},
		{"first field", func(c net.Conn) net.Conn { return &counted{c} }, true},
		{"later field", func(c net.Conn) net.Conn { return &labelled{"label", c} }, true},
		{"in a value", func(c net.Conn) net.Conn { return labelled{"label", c} }, true},
		{"concrete", func(c net.Conn) net.Conn { return &concrete{tcp(c)} }, true},
		{"concrete in a value", func(c net.Conn) net.Conn { return concrete{tcp(c)} }, true},
		{"field with a name", func(c net.Conn) net.Conn { return &holder[*bufio.Reader]{inner: c} }, true},
		{"struct in a struct", func(c net.Conn) net.Conn { return &outer{&sync.Mutex{}, labelled{"label", c}} }, true},
		{"pointer to a struct", func(c net.Conn) net.Conn { return &pointing{1, &labelled{"label", c}} }, true},
		{"wrapped again", func(c net.Conn) net.Conn { return &labelled{"", &concrete{tcp(c)}} }, true},
		{"four times", func(c net.Conn) net.Conn {
			return &labelled{"", labelled{"", &labelled{"", &holder[*bufio.Reader]{inner: c}}}}
		}, true},
		{"interface of its own", func(c net.Conn) net.Conn { return &own{ctx: context.Background(), richConn: &concrete{tcp(c)}} }, true},
		{"embedded before named", func(c net.Conn) net.Conn { return &relay{peer: other, Conn: c} }, true},
		{"two", func(c net.Conn) net.Conn { return &holder[net.Conn]{other, c} }, false},
		{"in memory", func(c net.Conn) net.Conn {
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(c, far) }()
			go func() {
				_, _ = io.Copy(far, c)
				far.Close()
			}()
			return near
		}, false},
	}
}

type counted struct{ net.Conn }

type labelled struct {
	label string
	net.Conn
}

type concrete struct{ *net.TCPConn }

// holder embeds nothing.
type holder[T any] struct {
	before T
	inner  net.Conn
}

func (h *holder[T]) Read(b []byte) (int, error)         { return h.inner.Read(b) }
func (h *holder[T]) Write(b []byte) (int, error)        { return h.inner.Write(b) }
func (h *holder[T]) Close() error                       { return h.inner.Close() }
func (h *holder[T]) LocalAddr() net.Addr                { return h.inner.LocalAddr() }
func (h *holder[T]) RemoteAddr() net.Addr               { return h.inner.RemoteAddr() }
func (h *holder[T]) SetDeadline(t time.Time) error      { return h.inner.SetDeadline(t) }
func (h *holder[T]) SetReadDeadline(t time.Time) error  { return h.inner.SetReadDeadline(t) }
func (h *holder[T]) SetWriteDeadline(t time.Time) error { return h.inner.SetWriteDeadline(t) }

type outer struct {
	mu *sync.Mutex
	labelled
}

type pointing struct {
	n int
	*labelled
}

type richConn interface {
	net.Conn
	SetNoDelay(on bool) error
}

type own struct {
	ctx context.Context
	richConn
}

type relay struct {
	peer net.Conn
	net.Conn
}
