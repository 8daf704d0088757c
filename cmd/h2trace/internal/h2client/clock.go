package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"time"
)

// Timing is what net/http/httptrace says of one request, in Unix nanoseconds.
// It is one line of the file that -timings names.
type Timing struct {
	Method    string `json:"method"`
	URL       string `json:"url"`
	Reused    bool   `json:"reused"`
	GotConn   int64  `json:"got_conn"`
	Wrote     int64  `json:"wrote"`      // the request, body included
	FirstByte int64  `json:"first_byte"` // of the response
	End       int64  `json:"end"`        // of its body
	Bytes     int64  `json:"bytes"`      // of its body
	Status    int    `json:"status"`
}

// timedTransport writes down when what happened to each request that had a
// complete response.
type timedTransport struct {
	next http.RoundTripper
	mu   sync.Mutex
	out  *json.Encoder
	err  error
}

func newTimedTransport(next http.RoundTripper, file string) (*timedTransport, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &timedTransport{next: next, out: json.NewEncoder(f)}, nil
}

// RoundTrip implements http.RoundTripper.
func (t *timedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	b := &timedBody{transport: t, timing: Timing{Method: r.Method, URL: r.URL.String()}}
	now := func(at *int64) { *at = time.Now().UnixNano() }
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			b.locked(func(m *Timing) { now(&m.GotConn); m.Reused = info.Reused })
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { b.locked(func(m *Timing) { now(&m.Wrote) }) },
		GotFirstResponseByte: func() { b.locked(func(m *Timing) { now(&m.FirstByte) }) },
	}
	now(&b.timing.GotConn) // where there is no pool of connections to get one from
	resp, err := t.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	b.body, b.timing.Status = resp.Body, resp.StatusCode
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
