package quic

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	xquic "golang.org/x/net/quic"

	"h2trace/decoder/tcp"
)

// seen is a datagram of a client's socket.
type seen struct {
	sent bool
	b    []byte
}

// tapped is a socket that records its datagrams, in the order of its calls.
type tapped struct {
	net.PacketConn
	mu   sync.Mutex
	seen []seen
}

func (c *tapped) record(sent bool, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, seen{sent, bytes.Clone(b)})
}

func (c *tapped) WriteTo(b []byte, to net.Addr) (int, error) {
	c.record(true, b)
	return c.PacketConn.WriteTo(b, to)
}

func (c *tapped) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	if err == nil {
		c.record(false, b[:n])
	}
	return n, from, err
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestPeers has a client and a server of golang.org/x/net/quic. The ClientHello has a key
// share of ML-KEM, so it takes two datagrams.
func TestPeers(t *testing.T) {
	for name, validate := range map[string]bool{"at once": false, "after a Retry": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			server, err := xquic.Listen("udp", "127.0.0.1:0", &xquic.Config{
				TLSConfig: &tls.Config{
					Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"hq"}, MinVersion: tls.VersionTLS13,
				},
				RequireAddressValidation: validate,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer closeNow(server)
			go serve(ctx, server)
			socket, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			tap := &tapped{PacketConn: socket}
			client, err := xquic.NewEndpoint(tap, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer closeNow(client)
			for _, host := range []string{"first.example", "second.example"} {
				talk(ctx, t, client, server.LocalAddr().String(), host)
			}
			closeNow(client)
			checkPeers(t, tap.seen)
		})
	}
}

func closeNow(e *xquic.Endpoint) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = e.Close(ctx)
}

// serve reads a stream of each connection, and answers.
func serve(ctx context.Context, e *xquic.Endpoint) {
	for {
		conn, err := e.Accept(ctx)
		if err != nil {
			return
		}
		s, err := conn.AcceptStream(ctx)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, s)
		_, _ = s.Write([]byte("answer"))
		_ = s.Close()
	}
}

// talk opens a connection, and sends and receives on it.
func talk(ctx context.Context, t *testing.T, e *xquic.Endpoint, address, host string) {
	t.Helper()
	conn, err := e.Dial(ctx, "udp", address, &xquic.Config{TLSConfig: &tls.Config{
		ServerName: host, NextProtos: []string{"h3", "hq"}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := conn.NewStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write([]byte("question"))
	s.CloseWrite()
	if b, err := io.ReadAll(s); err != nil || string(b) != "answer" {
		t.Fatalf("got %q, %v", b, err)
	}
	conn.Abort(nil)
}

// checkPeers demands that the datagrams of both connections say what they are.
func checkPeers(t *testing.T, list []seen) {
	t.Helper()
	f := NewFlow(tcp.NewBudget(1 << 20))
	var conns []*Connection
	for _, d := range list {
		if c := f.Datagram(0, d.sent, d.b); c != nil && (len(conns) == 0 || conns[len(conns)-1] != c) {
			conns = append(conns, c)
		}
	}
	if len(conns) != 2 {
		t.Fatalf("got %d connections, want 2", len(conns))
	}
	for i, host := range []string{"first.example", "second.example"} {
		offers(t, conns[i], Version1, host)
		if conns[i].ServerHello == nil || conns[i].ServerHello.Version() != tls.VersionTLS13 {
			t.Errorf("%s: got the ServerHello %+v", host, conns[i].ServerHello)
		}
	}
}
