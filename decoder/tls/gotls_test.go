package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
)

// current is the connection that an endpoint of crypto/tls writes to.
type current struct {
	mu   sync.Mutex
	conn *gotls.Conn
}

func (c *current) set(conn *gotls.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
}

func (c *current) get() *gotls.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

func (c *current) Write(b []byte) (int, error) { return c.get().Write(b) }
func (c *current) Close() error                { return c.get().Close() }

// serveGo starts a server of crypto/tls, and returns it with its address.
func serveGo(t testing.TB, config *gotls.Config) (*endpoint, string) {
	t.Helper()
	config.Certificates, config.NextProtos = []gotls.Certificate{certificate(t)}, []string{"h2"}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	to := &current{}
	e := &endpoint{in: to}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s := gotls.Server(conn, config)
			to.set(s)
			_, _ = io.Copy(&e.out, s)
			s.Close()
		}
	}()
	return e, l.Addr().String()
}

// dialGo connects a client of crypto/tls. Its secrets go to keys.
func dialGo(t testing.TB, to string, config *gotls.Config) (e *endpoint, keys *bytes.Buffer) {
	t.Helper()
	keys = &bytes.Buffer{}
	config.ServerName, config.InsecureSkipVerify = "goproxy.example", true
	config.NextProtos, config.KeyLogWriter = []string{"h2"}, keys
	conn, err := gotls.Dial("tcp", to, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	e = &endpoint{in: &current{conn: conn}}
	go func() { _, _ = io.Copy(&e.out, conn) }()
	return e, keys
}
