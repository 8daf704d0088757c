package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// faults are the faults of a proxy.
type faults struct {
	delay         spread
	status        int // 0: that of the origin
	retryAfter    string
	header        fields
	resetAfter    int64 // bytes of a body; -1: never
	truncateAfter int64 // likewise
	corruptZip    bool
	every         int64
}

// fields are added to responses.
type fields http.Header

// String implements flag.Value.
func (f *fields) String() string { return "" }

// Set implements flag.Value.
func (f *fields) Set(text string) error {
	name, value, found := strings.Cut(text, ":")
	if !found || name == "" {
		return fmt.Errorf("%q is no field such as 'X-Cache: MISS'", text)
	}
	if *f == nil {
		*f = make(fields)
	}
	http.Header(*f).Add(name, strings.TrimSpace(value))
	return nil
}

// proxy is a module proxy in front of another one.
type proxy struct {
	faults   faults
	requests atomic.Int64
	reverse  httputil.ReverseProxy

	mu  sync.Mutex
	log *json.Encoder // or nil
	err error         // of the log
}

var errReset = errors.New("body is cut on purpose")

func newProxy(origin *url.URL, f faults, log io.Writer) *proxy {
	p := &proxy{faults: f}
	if log != nil {
		p.log = json.NewEncoder(log)
	}
	p.reverse = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.Out.Host = origin.Host
		},
		ModifyResponse: p.modify,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	return p
}

// faulty marks the context of requests that get a fault.
type faulty struct{}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
	defer p.note(r, counted)
	if (p.requests.Add(1)-1)%p.faults.every != 0 {
		p.reverse.ServeHTTP(counted, r)
		return
	}
	p.faults.delay.sleep()
	if s := p.faults.status; s != 0 {
		if p.faults.retryAfter != "" {
			counted.Header().Set("Retry-After", p.faults.retryAfter)
		}
		http.Error(counted, http.StatusText(s), s)
		return
	}
	p.reverse.ServeHTTP(counted, r.WithContext(contextWith(r.Context(), faulty{})))
}

// modify adds the fault to the body of a response.
func (p *proxy) modify(r *http.Response) error {
	if r.Request.Context().Value(faulty{}) == nil {
		return nil
	}
	f := &p.faults
	for name, values := range f.header {
		r.Header[name] = values
	}
	switch {
	case f.corruptZip && strings.HasSuffix(r.Request.URL.Path, ".zip") && r.StatusCode == http.StatusOK:
		body, err := addFile(r.Body)
		if err != nil {
			return fmt.Errorf("corrupt a zip: %w", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	case f.resetAfter >= 0:
		r.Body = &cutBody{r.Body, f.resetAfter, errReset}
	case f.truncateAfter >= 0:
		r.Body = &cutBody{r.Body, f.truncateAfter, io.EOF}
		r.ContentLength = -1
		r.Header.Del("Content-Length")
	}
	return nil
}

// addFile adds a file to the module in a zip.
func addFile(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	out := zip.NewWriter(&buf)
	for _, f := range in.File {
		if err := out.Copy(f); err != nil {
			return nil, err
		}
	}
	if len(in.File) > 0 {
		dir, _, _ := strings.Cut(in.File[0].Name, "@")
		_, rest, _ := strings.Cut(in.File[0].Name, "@")
		version, _, _ := strings.Cut(rest, "/")
		w, err := out.Create(dir + "@" + version + "/degraded.txt")
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, "This file is not part of the module.\n"); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// cutBody ends a body early with err.
type cutBody struct {
	io.ReadCloser
	left int64
	err  error
}

// Read implements io.Reader.
func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// countingWriter counts the bytes of a response.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// request is a line of the log.
type request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Bytes  int64  `json:"bytes"` // sent bytes of the body
}

// note writes a line of the log. The handler may panic after it, which resets the stream.
func (p *proxy) note(r *http.Request, w *countingWriter) {
	if p.log == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.log.Encode(request{r.Method, r.URL.RequestURI(), w.status, w.bytes}); err != nil {
		p.err = err
	}
}

// slowListener delays the first answer on each connection.
type slowListener struct {
	net.Listener
	delay spread
}

// Accept implements net.Listener.
func (l *slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &slowConn{Conn: c, delay: l.delay}, err
}

type slowConn struct {
	net.Conn
	once  sync.Once
	delay spread
}

// Write implements io.Writer. The first bytes of a server answer the ClientHello.
func (c *slowConn) Write(b []byte) (int, error) {
	c.once.Do(c.delay.sleep)
	return c.Conn.Write(b)
}
