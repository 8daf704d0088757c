package e2e

import (
	"strings"
	"testing"
)

// straySource has TLS on a Unix socket.
const straySource = `package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("", "stray")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		log.Fatal(err)
	}
	s := httptest.NewTLSServer(nil)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(tls.Server(conn, &tls.Config{Certificates: s.TLS.Certificates}), "HTTP/1.1 204 No Content\r\n\r\n")
	}()
	raw, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n")
}
`

// TestStrayHandshake says that a handshake was on no connection that packets show. Calls
// show it.
func TestStrayHandshake(t *testing.T) {
	needProbes(t)
	stray := goProgram{name: "stray", source: straySource}
	r := startTracing(t, command{args: []string{stray.path(t)}}).good()
	said := strings.Contains(r.stderr, "h2trace: 1 TLS handshake was on no TCP connection seen from its start, ")
	if said != ofPackets() || len(r.stream.Conns()) > 0 == ofPackets() {
		t.Errorf("it is said: %t; %d connections\n%s", said, len(r.stream.Conns()), indent(r.stderr))
	}
}
