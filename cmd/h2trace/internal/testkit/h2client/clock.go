package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"sync"
	"time"
)

// Timing holds the times that net/http/httptrace reports for one request, in Unix
// nanoseconds. It is one line of the -timings file.
type Timing struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Reused bool   `json:"reused"`
	// Of the connection that it opened; 0 where it opened none, or with -impl x.
	DNSStart     int64 `json:"dns_start"`
	DNSDone      int64 `json:"dns_done"`
	ConnectStart int64 `json:"connect_start"`
	ConnectDone  int64 `json:"connect_done"`
	TLSStart     int64 `json:"tls_start"`
	TLSDone      int64 `json:"tls_done"`

	GotConn   int64 `json:"got_conn"`
	Wrote     int64 `json:"wrote"`      // the request, body included
	Got       int64 `json:"got"`        // the whole request, by the clock of the server
	Began     int64 `json:"began"`      // the response, by the clock of the server
	FirstByte int64 `json:"first_byte"` // of the response
	End       int64 `json:"end"`        // of its body
	Bytes     int64 `json:"bytes"`      // of its body
	Status    int   `json:"status"`
}

// timedTransport records the times of each request with a complete response.
type timedTransport struct {
	next  http.RoundTripper
	pause time.Duration // requested from the server, see h2server
	mu    sync.Mutex
	out   *json.Encoder
	err   error
}

func newTimedTransport(next http.RoundTripper, file string, pause time.Duration) (*timedTransport, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &timedTransport{next: next, pause: pause, out: json.NewEncoder(f)}, nil
}

// RoundTrip implements http.RoundTripper.
func (t *timedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	b := &timedBody{transport: t, timing: Timing{Method: r.Method, URL: r.URL.String()}}
	now := func(at *int64) { *at = time.Now().UnixNano() }
	note := func(at func(*Timing) *int64) { b.locked(func(m *Timing) { now(at(m)) }) }
	trace := &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { note(func(m *Timing) *int64 { return &m.DNSStart }) },
		DNSDone:           func(httptrace.DNSDoneInfo) { note(func(m *Timing) *int64 { return &m.DNSDone }) },
		ConnectStart:      func(_, _ string) { note(func(m *Timing) *int64 { return &m.ConnectStart }) },
		ConnectDone:       func(_, _ string, _ error) { note(func(m *Timing) *int64 { return &m.ConnectDone }) },
		TLSHandshakeStart: func() { note(func(m *Timing) *int64 { return &m.TLSStart }) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { note(func(m *Timing) *int64 { return &m.TLSDone }) },
		GotConn: func(info httptrace.GotConnInfo) {
			b.locked(func(m *Timing) { now(&m.GotConn); m.Reused = info.Reused })
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { b.locked(func(m *Timing) { now(&m.Wrote) }) },
		GotFirstResponseByte: func() { b.locked(func(m *Timing) { now(&m.FirstByte) }) },
	}
	r = r.Clone(httptrace.WithClientTrace(r.Context(), trace))
	r.Header.Set("Pause", t.pause.String())
	now(&b.timing.GotConn) // there is no connection pool to get one from
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b.body = resp.Body
	b.locked(func(m *Timing) {
		m.Status = resp.StatusCode
		m.Got, _ = strconv.ParseInt(resp.Header.Get("Server-Got"), 10, 64)
		m.Began, _ = strconv.ParseInt(resp.Header.Get("Server-Began"), 10, 64)
	})
	resp.Body = b
	return resp, nil
}

// timedBody notes the end of a body.
type timedBody struct {
	transport *timedTransport
	body      io.ReadCloser
	mu        sync.Mutex
	timing    Timing
	ended     bool
}

func (b *timedBody) locked(f func(*Timing)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.timing)
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.timing.Bytes += int64(n)
	if err == io.EOF && !b.ended {
		b.ended = true
		b.locked(func(m *Timing) { m.End = time.Now().UnixNano(); b.transport.write(*m) })
	}
	return n, err
}

// Close implements io.Closer.
func (b *timedBody) Close() error { return b.body.Close() }

func (t *timedTransport) write(m Timing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.out.Encode(m); err != nil {
		t.err = err
	}
}
