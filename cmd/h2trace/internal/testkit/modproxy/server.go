// Package modproxy is a Go module proxy for tests. It serves modules that the test
// creates, with HTTP/2 over TLS on loopback. So tests observe the go command at work
// without a network.
package modproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
)

// Options change the responses of a Server. The zero value serves every module
// itself.
type Options struct {
	// Gone makes the proxy respond with 410 instead of 404 for what it lacks.
	Gone bool
	// Status, if it is not 0, is the response to every request.
	Status int
	// RedirectZips sends each .zip request to this base URL with a 302.
	RedirectZips string
	// CutZips resets the TCP connection in the middle of each zip.
	CutZips bool
	// Pause is the pause in the middle of each body of more than 1 MiB.
	Pause time.Duration
	// Base is the path of its URL, such as "/go".
	Base string
	// Public listens on PublicAddress, which the caller gives to a device.
	Public bool
	// Plain serves HTTP without TLS.
	Plain bool
	// Instead responds to requests for some paths, without Base.
	Instead map[string]http.HandlerFunc
	// Wrap, if it is not nil, is around the handler of all requests.
	Wrap func(http.Handler) http.Handler
	// HTTP2 is the configuration of the HTTP/2 server, or nil.
	HTTP2 *http.HTTP2Config
}

// PublicAddress is one that is neither private nor of the loopback device. It is reserved for
// tests of networks (RFC 2544).
const PublicAddress = "198.18.0.1"

// Request is one request to which a Server responded.
type Request struct {
	Path   string
	Proto  string
	Status int
	Bytes  int64 // of the body
}

// Server is a running proxy.
type Server struct {
	// URL is its GOPROXY entry, https://localhost:PORT, or http://.
	URL string

	opt   Options
	files map[string][]byte

	mu       sync.Mutex
	requests []Request
}

// Start runs a proxy for mods until the test ends.
func Start(t testing.TB, a *Authority, mods []Module, opt Options) *Server {
	t.Helper()
	s := &Server{opt: opt, files: make(map[string][]byte)}
	versions := make(map[string][]string)
	for _, m := range mods {
		art, err := m.build()
		if err != nil {
			t.Fatal(err)
		}
		path, err := module.EscapePath(m.Path)
		if err != nil {
			t.Fatal(err)
		}
		base := "/" + path + "/@v/"
		s.files[base+m.Version+".info"] = art.info
		s.files[base+m.Version+".mod"] = art.mod
		s.files[base+m.Version+".zip"] = art.zip
		s.files["/"+path+"/@latest"] = art.info
		versions[base] = append(versions[base], m.Version)
	}
	for base, list := range versions {
		s.files[base+"list"] = []byte(strings.Join(list, "\n") + "\n")
	}
	s.listen(t, a)
	return s
}

// Files returns the paths that it serves, without Base.
func (s *Server) Files() []string { return slices.Collect(maps.Keys(s.files)) }

func (s *Server) listen(t testing.TB, a *Authority) {
	host, addr := "localhost", "127.0.0.1:0"
	if s.opt.Public {
		host, addr = PublicAddress, PublicAddress+":0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = s
	if s.opt.Wrap != nil {
		handler = s.opt.Wrap(s)
	}
	srv := &http.Server{
		Handler: handler,
		HTTP2:   s.opt.HTTP2,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secured, ok := c.(*tls.Conn); ok {
				c = secured.NetConn()
			}
			return context.WithValue(ctx, connKey{}, c)
		},
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{a.Server(t)}},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that vanish are part of the tests
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve := func() error { return srv.ServeTLS(ln, "", "") }
		if s.opt.Plain {
			serve = func() error { return srv.Serve(ln) }
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("module proxy: %v", err)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // Shutdown with a dead context stops listening and returns
		_ = srv.Shutdown(ctx)
		_ = srv.Close()
		<-done
	})
	scheme := "https"
	if s.opt.Plain {
		scheme = "http"
	}
	s.URL = fmt.Sprintf("%s://%s:%d%s", scheme, host, ln.Addr().(*net.TCPAddr).Port, s.opt.Base)
}

// connKey is for the connection in the context of a request.
type connKey struct{}

// ServeHTTP answers in the protocol of `go help goproxy`.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, _ := strings.CutPrefix(r.URL.Path, s.opt.Base)
	if answer := s.opt.Instead[file]; answer != nil {
		answer(w, r)
		return
	}
	status, body := http.StatusOK, s.files[file]
	switch {
	case strings.HasSuffix(r.URL.Path, ".zip") && s.opt.RedirectZips != "":
		status, body = http.StatusFound, nil
		w.Header().Set("Location", s.opt.RedirectZips+r.URL.Path)
	case s.opt.Status != 0:
		status, body = s.opt.Status, []byte("so it was asked for\n")
	case body == nil && s.opt.Gone:
		status, body = http.StatusGone, []byte("gone: no such module\n")
	case body == nil:
		status, body = http.StatusNotFound, []byte("not found: no such module\n")
	case strings.HasSuffix(r.URL.Path, ".zip"):
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if strings.HasSuffix(r.URL.Path, ".zip") && s.opt.CutZips {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		_ = r.Context().Value(connKey{}).(net.Conn).Close()
		return
	}
	n := 0 // a vanished client shows in Bytes
	if len(body) > 1<<20 && s.opt.Pause > 0 {
		n, _ = w.Write(body[:len(body)/2])
		time.Sleep(s.opt.Pause)
	}
	rest, _ := w.Write(body[n:])
	n += rest
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.URL.Path, r.Proto, status, int64(n)})
}

// Requests returns the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}
