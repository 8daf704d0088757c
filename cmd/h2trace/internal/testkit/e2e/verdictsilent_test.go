package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stage is how far a silent server gets with a connection.
type stage string

// The stages.
const (
	connecting  stage = "connect"   // it accepts no connections
	handshaking stage = "handshake" // it does not answer the ClientHello
	answering   stage = "head"      // it does not answer requests
	delivering  stage = "body"      // it stops in the middle of each body
)

// silent runs a server on loopback that goes silent at a stage, until the test ends.
// It returns its URL, and a function that waits until a client has reached that
// stage.
func (l *lab) silent(t *testing.T, at stage, plain bool) (url string, reached func()) {
	t.Helper()
	come := make(chan struct{})
	var once sync.Once
	reach := func() { once.Do(func() { close(come) }) }
	reached = func() {
		select {
		case <-come:
		case <-time.After(patience):
			t.Errorf("no client came to the %s", at)
		}
	}
	if at == answering || at == delivering {
		over, end := context.WithCancel(t.Context())
		url := l.serves(t, plain, func(w http.ResponseWriter, _ *http.Request) {
			reach()
			say(w, at, over)
		})
		t.Cleanup(end) // before the server is closed
		return url, reached
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		served.Wait()
	})
	switch at {
	case connecting:
		fillQueue(t, ln)
		reached = func() { await(t, "a SYN", func() bool { return connectsTo(t, ln.Addr()) }) }
	case handshaking:
		served.Go(func() { swallow(ln, &served, reach) })
	}
	return scheme(plain) + "://" + ln.Addr().String(), reached
}

// scheme is the scheme of URLs.
func scheme(plain bool) string {
	if plain {
		return "http"
	}
	return "https"
}

// serves runs a server on loopback until the test ends. It returns its URL.
func (l *lab) serves(t *testing.T, plain bool, handle http.HandlerFunc) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{
		Handler:   handle,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{l.authority.Server(t)}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	serve := func() error { return srv.ServeTLS(ln, "", "") }
	if plain {
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
		serve = func() error { return srv.Serve(ln) }
	}
	var served sync.WaitGroup
	served.Go(func() { _ = serve() }) // ends with the listener
	t.Cleanup(func() {
		_ = srv.Close()
		served.Wait()
	})
	return scheme(plain) + "://" + ln.Addr().String()
}

// say responds as far as a stage permits, and then waits for the end of the test.
func say(w http.ResponseWriter, at stage, over context.Context) {
	if at == delivering {
		w.Header().Set("Content-Length", strconv.Itoa(1<<20))
		_, _ = w.Write(make([]byte, 1<<16)) // the client may be gone
		_ = http.NewResponseController(w).Flush()
	}
	<-over.Done()
}

// swallow reads what clients send, and sends nothing.
func swallow(ln net.Listener, served *sync.WaitGroup, reach func()) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return // closed by the cleanup
		}
		reach()
		served.Go(func() {
			defer c.Close()
			_, _ = io.Copy(io.Discard, c) // until the client is gone
		})
	}
}

// fillQueue makes the kernel drop connects to a listener: its queue is full, and
// nobody accepts.
func fillQueue(t *testing.T, ln net.Listener) {
	t.Helper()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

// connectsTo reports whether a process has sent a SYN to an address of loopback, and
// waits for the answer.
func connectsTo(t *testing.T, addr net.Addr) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	const synSent = "02"
	return strings.Contains(string(table), fmt.Sprintf(" 0100007F:%04X %s ", addr.(*net.TCPAddr).Port, synSent))
}
