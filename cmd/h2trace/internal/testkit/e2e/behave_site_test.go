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
	"sync/atomic"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// site is an HTTP/2 server inside the test process, which nobody observes.
type site struct {
	url      string
	env      []string // the directory in which programs trust it
	requests atomic.Int64
	events   atomic.Int64 // of /events, to all
	secrets  secretLog    // of all sessions
}

// startSite serves /echo, /text, /binary, /numbers, /secrets, /events and, for every
// other path, a body that is the path.
func startSite(t testing.TB) *site {
	t.Helper()
	return startSiteOf(t, modproxy.NewAuthority(t))
}

// startSiteOf is startSite with a certificate of a.
func startSiteOf(t testing.TB, a *modproxy.Authority) *site {
	t.Helper()
	ln := listenLocal(t)
	s := &site{url: "https://" + ln.Addr().String(), env: peerEnv(a)}
	serveTLS(t, a, ln, s, &s.secrets)
	return s
}

// listenLocal listens on loopback.
func listenLocal(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serveTLS serves HTTP/2 until the test ends, with a certificate of a. Session secrets go to secrets,
// unless that is nil.
func serveTLS(t testing.TB, a *modproxy.Authority, ln net.Listener, h http.Handler, secrets io.Writer) {
	t.Helper()
	srv := &http.Server{
		Handler:   h,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{a.Server(t)}, KeyLogWriter: secrets},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that vanish are part of the tests
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.ServeTLS(ln, "", "") // ends with ErrServerClosed
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // Shutdown with a dead context stops listening and returns
		_ = srv.Shutdown(ctx)
		_ = srv.Close()
		<-done
	})
}

// eventLength is the length of each event of /events, which contains its number.
const eventLength = 16

var (
	textBody   = strings.Repeat("Grüße, 世界 ", 3000)
	binaryBody = func() string {
		b := make([]byte, 40_000)
		for i := range b {
			b[i] = byte(i * 7)
		}
		return string(b)
	}()
	// numbersBody differs at any two offsets.
	numbersBody = func() string {
		var b strings.Builder
		for i := range 30_000 {
			b.WriteString(strconv.Itoa(i) + ",")
		}
		return b.String()
	}()
)

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	switch r.URL.Path {
	case "/echo":
		_, _ = io.Copy(w, r.Body)
	case "/text":
		_, _ = io.WriteString(w, textBody)
	case "/binary":
		_, _ = io.WriteString(w, binaryBody)
	case "/numbers":
		_, _ = io.WriteString(w, numbersBody)
	case "/secrets":
		w.Header().Set("Set-Cookie", "session=server-secret-1")
		w.Header().Set("Location", "https://user:server-secret-2@goproxy.example/?token=server-secret-3")
	case "/events":
		for i := 0; r.Context().Err() == nil; i++ {
			_, _ = fmt.Fprintf(w, "%*d\n", eventLength-1, i)
			_ = http.NewResponseController(w).Flush()
			s.events.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
	default:
		_, _ = io.WriteString(w, r.URL.Path)
	}
}

// touch creates a file that a program waits for.
func touch(t testing.TB, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
