package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// answer responds to a request and waits for the end of the connection.
func (p *peer) answer(id uint32) {
	must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200)}))
	p.untilClosed()
}

// TestRetries has servers that do not respond to a request. net/http silently sends
// it again; its exchanges report that.
func TestRetries(t *testing.T) {
	needProbes(t)
	again := func(attempt int, stream uint32, class string) *contract.Retry {
		return &contract.Retry{Attempt: attempt, Conn: "c1", Stream: stream, Class: class}
	}
	for _, tt := range []struct {
		name    string
		scripts []func(*peer)
		class   string
		want    *contract.Retry
	}{
		{"refused stream", []func(*peer){func(p *peer) {
			id := p.accept()
			must(p.WriteRSTStream(id, http2.ErrCodeRefusedStream))
			p.answer(p.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameHeaders }).Header().StreamID)
		}}, "reset", again(2, 1, "reset")},
		{"connection that goes away", []func(*peer){func(p *peer) {
			p.accept()
			must(p.WriteGoAway(0, http2.ErrCodeNo, nil))
			must(p.out.Flush())
		}, func(p *peer) { p.answer(p.accept()) }}, "goaway", again(2, 1, "goaway")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := modproxy.NewAuthority(t)
			addr, played := scriptedServer(t, a, tt.scripts...)
			r := startTracing(t, command{args: []string{fetch.path(t), "https://" + addr + "/m"}, env: peerEnv(a)}).good()
			for range tt.scripts {
				<-played
			}
			checkRetry(t, r.stream, tt.class, tt.want)
		})
	}
	for _, tt := range []struct {
		name string
		end  func(net.Conn) error
	}{
		{"HTTP/1.1 connection that was closed meanwhile", net.Conn.Close},
		{"HTTP/1.1 connection that TLS ended and TCP did not", func(c net.Conn) error {
			err := c.(*tls.Conn).CloseWrite()
			_, _ = io.Copy(io.Discard, c) // until the client closes it
			return errors.Join(err, c.Close())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := modproxy.NewAuthority(t)
			url := endsOnSecond(t, a, tt.end)
			r := startTracing(t, command{
				args: []string{fetch.path(t), url + "/first", url + "/m"}, env: append(peerEnv(a), "GODEBUG=http2client=0"),
			}).good()
			checkRetry(t, r.stream, "reset", again(2, 0, "reset"))
		})
	}
}

// checkRetry requires that /m was requested twice, the first time in vain.
func checkRetry(t *testing.T, s *contract.Stream, class string, want *contract.Retry) {
	t.Helper()
	list, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	var got []contract.Exchange
	for _, e := range list {
		if e.Retry != nil || e.Error != nil {
			got = append(got, e)
		}
	}
	if len(got) != 2 {
		t.Fatalf("got %d exchanges that failed or repeat another, want 2: %+v", len(got), list)
	}
	if e := got[0]; e.Error == nil || e.Error.Class != class || e.Retry != nil {
		t.Errorf("the first failed with %+v and repeats %+v, want %s and nothing", e.Error, e.Retry, class)
	}
	if diff := cmp.Diff(want, got[1].Retry); diff != "" || got[1].Error != nil || got[1].Status != 200 {
		t.Errorf("the second has status %d and error %v, and repeats (-want +got):\n%s", got[1].Status, got[1].Error, diff)
	}
}

// endsOnSecond starts a server that reads the second request of its first connection
// and closes the connection.
func endsOnSecond(t *testing.T, a *modproxy.Authority, end func(net.Conn) error) (url string) {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.Server(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for first := true; ; first = false {
			conn, err := ln.Accept()
			if err != nil {
				return // closed by the cleanup
			}
			in := bufio.NewReader(conn)
			for n := 0; ; n++ {
				if _, err := http.ReadRequest(in); err != nil || first && n == 1 {
					break
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // the client reports it
			}
			_ = end(conn) // the client may be gone
		}
	}()
	return "https://" + ln.Addr().String()
}
