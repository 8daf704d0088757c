package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// heldBody is the length of the bodies that the peers hold after half of them.
const heldBody = 100_000

// phasePeer is the server of one doomed client, and its name server. It holds the request in one
// phase until it is released.
type phasePeer struct {
	t        *testing.T
	url      string
	resolver string        // address of the name server
	reached  chan struct{} // closed when the peer knows that the request is in the phase
	released chan struct{}
	reach    sync.Once
	release  func()
	silent   net.Addr // which answers no SYN until the release, or nil
}

func startPhasePeer(t *testing.T, a *modproxy.Authority, phase string, number int) *phasePeer {
	t.Helper()
	p := &phasePeer{t: t, reached: make(chan struct{}), released: make(chan struct{})}
	ln := listenLocal(t)
	p.url = "https://" + ln.Addr().String()
	p.release = sync.OnceFunc(func() { close(p.released) })
	switch phase {
	case "dns":
		port := ln.Addr().(*net.TCPAddr).Port
		p.url = "https://goproxy.example:" + strconv.Itoa(port)
		p.resolver = p.startNameServer(fmt.Sprintf("127.53.9.%d:53", number))
	case "connect":
		fillQueue(t, ln)
		p.silent = ln.Addr()
		p.release = sync.OnceFunc(func() {
			close(p.released)
			serveTLS(t, a, ln, p, nil)
		})
	case "tls":
		ln = &heldListener{ln, p}
	}
	if p.silent == nil {
		serveTLS(t, a, ln, p, nil)
	}
	t.Cleanup(p.release)
	return p
}

// awaitReached waits until the request is in the phase, if the peer can know that.
func (p *phasePeer) awaitReached() {
	p.t.Helper()
	await(p.t, "the phase", func() bool {
		if p.silent != nil {
			return connectsTo(p.t, p.silent)
		}
		select {
		case <-p.reached:
			return true
		default:
			return false
		}
	})
}

func (p *phasePeer) isReached() { p.reach.Do(func() { close(p.reached) }) }

func (p *phasePeer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	half := strings.Repeat("x", heldBody/2)
	switch r.URL.Path {
	case "/body":
		_, _ = io.WriteString(w, half)
		_ = http.NewResponseController(w).Flush()
		p.hold(r)
		_, _ = io.WriteString(w, half)
	case "/wait":
		p.isReached()
		p.hold(r)
	case "/upload":
		if _, err := io.CopyN(io.Discard, r.Body, heldBody/2); err == nil {
			p.isReached()
		}
		p.hold(r)
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// hold returns when the request is released, or given up.
func (p *phasePeer) hold(r *http.Request) {
	select {
	case <-p.released:
	case <-r.Context().Done():
	}
}

// heldListener holds connections when the first message has come.
type heldListener struct {
	net.Listener
	peer *phasePeer
}

func (l *heldListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &heldHandshake{Conn: c, peer: l.peer}, nil
}

type heldHandshake struct {
	net.Conn
	peer *phasePeer
}

func (c *heldHandshake) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.peer.isReached()
		<-c.peer.released
	}
	return n, err
}

// startNameServer answers queries, when the peer is released, with 127.0.0.1.
func (p *phasePeer) startNameServer(addr string) string {
	p.t.Helper()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			p.isReached()
			answering.Go(func() {
				<-p.released
				if out, err := answerTo(m).Pack(); err == nil {
					_, _ = conn.WriteTo(out, from)
				}
			})
		}
	})
	p.t.Cleanup(func() {
		p.release()
		_ = conn.Close()
		answering.Wait()
	})
	return addr
}

// answerTo answers a query.
func answerTo(m dnsmessage.Message) *dnsmessage.Message {
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	return &m
}
