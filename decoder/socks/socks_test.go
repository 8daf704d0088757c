package socks

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/proxy"
)

// recorder records what a client's connection carries.
type recorder struct {
	net.Conn
	mu   sync.Mutex
	said []said
}

type said struct {
	client bool
	b      []byte
}

func (r *recorder) add(client bool, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, said{client, bytes.Clone(b)})
}

func (r *recorder) Write(b []byte) (int, error) {
	r.add(true, b)
	return r.Conn.Write(b)
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.add(false, b[:n])
	return n, err
}

// DialContext makes the recorder the dialer of a client.
func (r *recorder) DialContext(context.Context, string, string) (net.Conn, error) { return r, nil }

// Dial is part of proxy.Dialer.
func (r *recorder) Dial(string, string) (net.Conn, error) { return r, nil }

// answer plays a proxy that says what it is given, each after so many bytes of the
// client.
func answer(conn net.Conn, turns ...[]byte) {
	for i := 0; i < len(turns); i += 2 {
		if _, err := io.ReadFull(conn, make([]byte, len(turns[i]))); err != nil {
			return
		}
		if _, err := conn.Write(turns[i+1]); err != nil {
			return
		}
	}
}

// TestConn has the client of golang.org/x/net/proxy make tunnels, and gives the Conn
// their bytes in pieces of any length.
func TestConn(t *testing.T) {
	n := func(n int) []byte { return make([]byte, n) }
	reply := []byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 80}
	for _, tt := range []struct {
		name, target string
		auth         *proxy.Auth
		turns        [][]byte
	}{
		{"name", "goproxy.example:443", nil, [][]byte{n(3), {5, 0}, n(7 + len("goproxy.example")), reply}},
		{"IPv4", "192.0.2.1:443", nil, [][]byte{n(3), {5, 0}, n(10), reply}},
		{"IPv6", "[2001:db8::1]:8443", nil, [][]byte{n(3), {5, 0}, n(22), {5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80}}},
		{"password", "goproxy.example:443", &proxy.Auth{User: "user", Password: "secret"}, [][]byte{n(4), {5, 2}, n(3 + 4 + 6), {1, 0}, n(7 + len("goproxy.example")), reply}},
		{"password not wanted", "goproxy.example:443", &proxy.Auth{User: "user", Password: "secret"}, [][]byte{n(4), {5, 0}, n(7 + len("goproxy.example")), reply}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			defer server.Close()
			go answer(server, append(tt.turns, n(5), []byte("hello from the server"))...)
			r := &recorder{Conn: client}
			dialer, err := proxy.SOCKS5("tcp", "proxy.example:1080", tt.auth, r)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := dialer.Dial("tcp", tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, n(len("hello from the server"))); err != nil {
				t.Fatal(err)
			}
			for most := 1; most < 40; most++ {
				c := New()
				var sent, received []byte
				for _, s := range r.said {
					for b := s.b; len(b) > 0; b = b[min(most, len(b)):] {
						if piece := b[:min(most, len(b))]; s.client {
							sent = append(sent, c.Client(piece)...)
						} else {
							received = append(received, c.Server(piece)...)
						}
					}
				}
				if string(sent) != "hello" || string(received) != "hello from the server" || c.Target != tt.target || c.Failed {
					t.Fatalf("pieces of %d: tunnel to %q, failed %t: %q, %q", most, c.Target, c.Failed, sent, received)
				}
			}
		})
	}
}

// TestFailed has the proxy refuse.
func TestFailed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server []byte
	}{
		{"no method", []byte{5, 0xff}},
		{"password", []byte{5, 2, 1, 1}},
		{"no method, and more bytes", []byte{5, 0xff, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 'x'}},
		{"request", []byte{5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0}},
	} {
		c := New()
		c.Client([]byte{5, 2, 0, 2})
		if tunnel := c.Server(tt.server); !c.Failed || len(tunnel) > 0 {
			t.Errorf("%s: failed %t, %q in a tunnel", tt.name, c.Failed, tunnel)
		}
	}
}

// FuzzConn has both sides speak in turns, whole and byte by byte: the tunnel is the same.
func FuzzConn(f *testing.F) {
	f.Add([]byte{5, 1, 0}, []byte{5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 80, 'y'})
	f.Add([]byte{5, 1, 0, 5, 1, 0, 1, 1, 2, 3, 4, 0, 80, 'x'}, []byte{5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 80, 'y'})
	f.Fuzz(func(t *testing.T, client, server []byte) {
		inTurns(t, client, server)
		c := New()
		for len(client)+len(server) > 0 {
			if len(client) > 0 {
				c.Client(client[:1])
				client = client[1:]
			}
			if len(server) > 0 {
				c.Server(server[:1])
				server = server[1:]
			}
			if len(c.client.buf) > maxHeld+1 || len(c.server.buf) > maxHeld+1 {
				t.Fatalf("holds %d and %d bytes", len(c.client.buf), len(c.server.buf))
			}
		}
	})
}

func inTurns(t *testing.T, client, server []byte) {
	t.Helper()
	whole, cut := New(), New()
	wantSent, wantReceived := bytes.Clone(whole.Client(client)), bytes.Clone(whole.Server(server))
	var sent, received []byte
	for i := range client {
		sent = append(sent, cut.Client(client[i:i+1])...)
	}
	for i := range server {
		received = append(received, cut.Server(server[i:i+1])...)
	}
	if !bytes.Equal(sent, wantSent) || !bytes.Equal(received, wantReceived) || cut.Target != whole.Target || cut.Failed != whole.Failed {
		t.Errorf("byte by byte: tunnel to %q, failed %t: %q, %q; whole to %q, %t: %q, %q",
			cut.Target, cut.Failed, sent, received, whole.Target, whole.Failed, wantSent, wantReceived)
	}
}
