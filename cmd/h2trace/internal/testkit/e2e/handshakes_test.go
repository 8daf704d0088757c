package e2e

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/scripts/goreleases"
)

// failingProgram makes handshakes fail, one after the other, and is both ends of their
// connections. It is written for Go 1.18.
const failingProgram = `package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

var ln net.Listener

func main() {
	site := httptest.NewTLSServer(nil)
	roots := site.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	client := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{RootCAs: roots, ServerName: "example.com"}
		change(c)
		return c
	}
	server := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: site.TLS.Certificates}
		change(c)
		return c
	}
	same := func(*tls.Config) {}
	site.Close()
	var err error
	ln, err = net.Listen("tcp", "127.0.0.1:0")
	check(err)
	untrusting := client(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() })
	direct(untrusting, server(same))
	direct(client(func(c *tls.Config) { c.ServerName = "goproxy.example" }), server(same))
	direct(client(func(c *tls.Config) { c.Time = func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) } }), server(same))
	direct(client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), server(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }))
	demanding := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	direct(client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), server(demanding))
	direct(client(same), server(demanding))
	c, s := connect()
	tunnel(c, s, untrusting, server(same))
	c, s = connect()
	tunnel(tls.Client(c, client(same)), tls.Server(s, server(same)), untrusting, server(same))
	answer(client(same), func(server, _ net.Conn, _ func()) { server.Close() })
	answer(client(same), func(server, _ net.Conn, _ func()) {
		server.(*net.TCPConn).SetLinger(0)
		server.Close()
	})
	answer(client(same), func(server, _ net.Conn, _ func()) { io.WriteString(server, "HTTP/1.0 400 Bad Request\r\n\r\n") })
	answer(client(same), func(_, client net.Conn, _ func()) { client.SetReadDeadline(time.Now()) })
	answer(client(same), func(_, _ net.Conn, cancel func()) { cancel() })
}

func connect() (client, server net.Conn) {
	client, err := net.Dial("tcp", ln.Addr().String())
	check(err)
	server, err = ln.Accept()
	check(err)
	return client, server
}

func direct(client, server *tls.Config) {
	c, s := connect()
	shake(c, s, client, server)
}

// tunnel makes a handshake fail in a tunnel.
func tunnel(c, s net.Conn, client, server *tls.Config) {
	done := make(chan bool)
	go func() {
		_, err := http.ReadRequest(bufio.NewReader(s))
		check(err)
		_, err = io.WriteString(s, "HTTP/1.1 200 OK\r\n\r\n")
		check(err)
		close(done)
	}()
	req, err := http.NewRequest("CONNECT", "http://example.com:443", nil)
	check(err)
	_, err = io.WriteString(c, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
	check(err)
	_, err = http.ReadResponse(bufio.NewReader(c), req)
	check(err)
	<-done
	shake(c, s, client, server)
}

// shake fails at one end or at both.
func shake(c, s net.Conn, client, server *tls.Config) {
	done := make(chan bool)
	go func() {
		if tls.Server(s, server).Handshake() == nil {
			log.Fatal("the server accepted it")
		}
		s.Close()
		close(done)
	}()
	if t := tls.Client(c, client); t.Handshake() == nil {
		t.Read(make([]byte, 1)) // the alert
	}
	c.Close()
	<-done
}

// answer has a server without TLS answer to the ClientHello.
func answer(client *tls.Config, react func(server, client net.Conn, cancel func())) {
	c, s := connect()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() {
		header := make([]byte, 5)
		_, err := io.ReadFull(s, header)
		check(err)
		_, err = io.ReadFull(s, make([]byte, int(header[3])<<8|int(header[4])))
		check(err)
		react(s, c, cancel)
		io.Copy(io.Discard, s)
		s.Close()
		close(done)
	}()
	if tls.Client(c, client).HandshakeContext(ctx) == nil {
		log.Fatal("the client accepted it")
	}
	c.Close()
	<-done
	cancel()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// TestFailedHandshakes requires that each end of each connection says once why its
// handshake failed.
func TestFailedHandshakes(t *testing.T) {
	needProbes(t)
	for release, required := range map[string]string{
		runtime.Version(): "handshake_failure", // of a client without a certificate
		goreleases.Few[0]: "bad_certificate",
	} {
		t.Run(release, func(t *testing.T) {
			if release != runtime.Version() {
				toolchain(t, release)
			}
			file := filepath.Join(t.TempDir(), "failing")
			buildProgram(t, failingProgram, "package main\n", release, file, false, nil)
			r := startTracing(t, command{args: []string{file}}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			clients, servers := failuresOf(t, r)
			sameInAnyOrder(t, "clients", clients, append(slices.Clone(failingClients), "alert from the peer: "+required))
			if ofPackets() { // they also show the servers without TLS, which closed after a ClientHello
				servers = slices.DeleteFunc(servers, func(s string) bool { return !slices.Contains(failingServers, s) })
			}
			sameInAnyOrder(t, "servers", servers, failingServers)
		})
	}
}

// Why the handshakes of failingProgram fail. With TLS 1.3 a client without a certificate
// has succeeded before the server rejects it.
var (
	failingClients = []string{
		"certificate signed by unknown authority",
		"certificate signed by unknown authority", // in a tunnel
		"certificate signed by unknown authority", // in a tunnel through an HTTPS proxy
		"certificate is not for this name",
		"certificate is not valid: expired or not yet valid",
		"alert from the peer: protocol_version",
		"the peer closed the connection",
		"ECONNRESET (connection reset by peer)",
		"first record does not look like a TLS handshake",
		"timed out",
		"given up by the process",
	}
	failingServers = []string{
		"alert from the peer: bad_certificate",
		"alert from the peer: bad_certificate",
		"alert from the peer: bad_certificate",
		"alert from the peer: bad_certificate",
		"alert from the peer: bad_certificate",
		"tls: client offered only unsupported versions: [303]",
		"tls: client didn't provide a certificate",
		"tls: client didn't provide a certificate",
	}
)

// failuresOf returns why handshakes failed. A connection says it once.
func failuresOf(t *testing.T, r *result) (clients, servers []string) {
	t.Helper()
	said := make(map[string]bool)
	for _, e := range r.stream.Of("conn") {
		var failed struct {
			Action, Conn, Role string
			Error              struct{ Class, Detail string }
		}
		if err := json.Unmarshal([]byte(e.Raw), &failed); err != nil {
			t.Fatal(err)
		}
		if failed.Action != "failed" || failed.Error.Class != "tls" {
			continue
		}
		if said[failed.Conn] {
			t.Errorf("said before: %s", e.Raw)
		}
		said[failed.Conn] = true
		if failed.Role == "client" {
			clients = append(clients, failed.Error.Detail)
		} else {
			servers = append(servers, failed.Error.Detail)
		}
	}
	return clients, servers
}

func sameInAnyOrder(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
