package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// relay is an HTTP proxy that forwards CONNECT, always to one origin. It answers
// requests for http URLs itself.
type relay struct {
	addr   string
	origin string // host and port
	status int    // 0: let it through

	mu       sync.Mutex
	tunnels  map[string]string // requested authority, by the client's address
	password string            // of the last
}

// startRelay runs one until the test ends, with TLS if there is an authority.
func startRelay(t *testing.T, a *modproxy.Authority, origin string, status int) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &relay{addr: ln.Addr().String(), origin: strings.TrimPrefix(origin, "https://"), status: status, tunnels: make(map[string]string)}
	if a != nil {
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{a.Server(t)}})
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			served.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		served.Wait() // the clients are gone
	})
	return p
}

func (p *relay) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	for err == nil && r.URL.Scheme == "http" {
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrelay"); err != nil {
			return
		}
		r, err = http.ReadRequest(in)
	}
	if err != nil || r.Method != http.MethodConnect {
		return
	}
	_, credentials, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	plain, _ := base64.StdEncoding.DecodeString(credentials)
	_, password, _ := strings.Cut(string(plain), ":")
	p.mu.Lock()
	p.tunnels[c.RemoteAddr().String()], p.password = r.Host, password
	p.mu.Unlock()
	if p.status != 0 {
		_, _ = io.WriteString(c, "HTTP/1.1 "+strconv.Itoa(p.status)+" "+http.StatusText(p.status)+"\r\nContent-Length: 0\r\n\r\n")
		return
	}
	origin, err := net.Dial("tcp", p.origin)
	if err != nil {
		return
	}
	defer origin.Close()
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(origin, in)
		_ = origin.Close()
	}()
	_, _ = io.Copy(c, origin)
}
