package e2e

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"testing"

	"h2trace/scripts/goreleases"
)

// implicitProgram opens short connections to itself, one after the other. Nobody
// calls Handshake on either end: it happens inside the first Write or Read. The
// program is written for Go 1.18.
const implicitProgram = `package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
)

const conns = 20

func main() {
	site := httptest.NewTLSServer(nil)
	client := site.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName, client.NextProtos = "example.com", []string{os.Args[1]}
	server := &tls.Config{Certificates: site.TLS.Certificates, NextProtos: client.NextProtos}
	site.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	done := make(chan bool)
	go func() {
		for i := 0; i < conns; i++ {
			c, err := ln.Accept()
			check(err)
			go func() {
				serve(os.Args[1], tls.Server(c, server))
				done <- true
			}()
		}
	}()
	for i := 0; i < conns; i++ {
		c, err := net.Dial("tcp", ln.Addr().String())
		check(err)
		req, err := http.NewRequest("GET", "https://example.com/x", nil)
		check(err)
		ask(os.Args[1], tls.Client(c, client), req)
		<-done
		runtime.GC() // so that the next has the same address
	}
}

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }

func serve1(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	check(err)
	resp := &http.Response{StatusCode: 204, ProtoMajor: 1, ProtoMinor: 1, Request: req}
	check(resp.Write(conn))
}

func ask1(conn net.Conn, req *http.Request) {
	check(req.Write(conn))
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	check(err)
	finish(resp)
	conn.Close()
}

func finish(resp *http.Response) {
	_, err := io.Copy(io.Discard, resp.Body)
	check(err)
	resp.Body.Close()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// The second file: of both protocols with golang.org/x/net, or of HTTP/1.1.
const (
	implicitX = `package main

import (
	"net"
	"net/http"

	"golang.org/x/net/http2"
)

func serve(protocol string, conn net.Conn) {
	if protocol != "h2" {
		serve1(conn)
		return
	}
	hidden := struct{ net.Conn }{conn} // else its state is asked for, which is none yet
	new(http2.Server).ServeConn(hidden, &http2.ServeConnOpts{Handler: http.HandlerFunc(hello)})
}

func ask(protocol string, conn net.Conn, req *http.Request) {
	if protocol != "h2" {
		ask1(conn, req)
		return
	}
	cc, err := new(http2.Transport).NewClientConn(conn)
	check(err)
	resp, err := cc.RoundTrip(req)
	check(err)
	finish(resp)
	check(cc.Close())
}
`
	implicitStd = `package main

import (
	"net"
	"net/http"
)

func serve(_ string, conn net.Conn) { serve1(conn) }

func ask(_ string, conn net.Conn, req *http.Request) { ask1(conn, req) }
`
)

// TestImplicitHandshakes requires of such connections what others have: each its own
// exchange, from the start, with the negotiated parameters of TLS.
func TestImplicitHandshakes(t *testing.T) {
	needProbes(t)
	for _, test := range []struct {
		name, release, protocol string
		x                       bool
		flags                   []string
	}{
		{"h2", runtime.Version(), "h2", true, nil},
		{"http/1.1", runtime.Version(), "http/1.1", true, nil},
		{"entry-ret", runtime.Version(), "h2", true, []string{"--plan", "entry-ret"}},
		{"oldest", goreleases.Few[0], "http/1.1", false, nil},
		{"newest", goreleases.Few[len(goreleases.Few)-1], "http/1.1", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := implicitStd
			if test.x {
				source = implicitX
			}
			if test.release != runtime.Version() {
				toolchain(t, test.release)
			}
			file := filepath.Join(t.TempDir(), "implicit")
			buildProgram(t, implicitProgram, source, test.release, file, test.x, nil)
			r := startTracing(t, command{flags: test.flags, args: []string{file, test.protocol}}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			checkImplicit(t, r, test.protocol)
		})
	}
}

func checkImplicit(t *testing.T, r *result, protocol string) {
	t.Helper()
	const conns = 20 // as in the program
	opened, exchanges := map[string]int{}, 0
	for _, e := range r.stream.Of("conn") {
		var c struct {
			Action, Role, Protocol, Joined string
			Remote                         *string
			Took                           *float64 `json:"tls_ms"`
			TLS                            *struct{ ALPN, SNI string }
		}
		if err := json.Unmarshal([]byte(e.Raw), &c); err != nil {
			t.Fatal(err)
		}
		if c.Action != "open" {
			continue
		}
		opened[c.Role]++
		if c.Protocol != protocol || c.Joined != "start" || c.Remote == nil || c.Took == nil || c.TLS == nil || c.TLS.ALPN != protocol || c.TLS.SNI != "example.com" {
			t.Errorf("got %s", e.Raw)
		}
	}
	for _, e := range r.stream.Of("exchange") {
		var x struct {
			Status *int
			TLS    *float64 `json:"tls_ms"`
			Wait   *float64 `json:"wait_ms"`
			Total  *float64 `json:"total_ms"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &x); err != nil {
			t.Fatal(err)
		}
		exchanges++
		if x.Status == nil || x.TLS == nil || x.Wait == nil || x.Total == nil || *x.Wait+*x.TLS > *x.Total+0.002 { // all three are rounded
			t.Errorf("got %s", e.Raw)
		}
	}
	if exchanges != 2*conns || opened["client"] != conns || opened["server"] != conns {
		t.Errorf("%d exchanges, connections by role: %v; want %d, and %d of each", exchanges, opened, 2*conns, conns)
	}
	for _, e := range r.stream.Of("frame") {
		var f struct{ Violation *string }
		if err := json.Unmarshal([]byte(e.Raw), &f); err != nil {
			t.Fatal(err)
		}
		if f.Violation != nil {
			t.Errorf("got %s", e.Raw)
		}
	}
	if losses := r.stream.Of("loss"); len(losses) > 0 {
		t.Errorf("got %s", losses[0].Raw)
	}
}
