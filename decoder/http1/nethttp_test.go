package http1

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNetHTTP compares with the view of net/http's client and server of the same connection.
func TestNetHTTP(t *testing.T) {
	var want []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		want = append(want, fmt.Sprintf("request %s %s %s", r.Method, r.RequestURI, r.Proto))
		if n > 0 {
			want = append(want, fmt.Sprintf("request body %d", n))
		}
		want = append(want, "request end")
		size := len(r.URL.Path) * 1000
		switch {
		case strings.HasPrefix(r.URL.Path, "/chunked"):
			w.Header().Set("Trailer", "X-Sum")
			for range 10 {
				_, _ = io.WriteString(w, strings.Repeat("x", size/10))
				w.(http.Flusher).Flush()
			}
			w.Header().Set("X-Sum", "1")
		case r.URL.Path == "/none":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = io.WriteString(w, strings.Repeat("x", size))
		}
	})
	var got log
	s := httptest.NewUnstartedServer(handler)
	s.Listener = &recorder{Listener: s.Listener, conn: NewConn(&got, nil)}
	s.Start()
	defer s.Close()
	for _, r := range []struct{ method, path, body string }{
		{"GET", "/a", ""},
		{"POST", "/b", "body"},
		{"HEAD", "/c", ""},
		{"GET", "/chunked", ""},
		{"GET", "/none", ""},
		{"PUT", "/chunked/too", strings.Repeat("y", 100_000)},
	} {
		req, err := http.NewRequest(r.method, s.URL+r.path, io.NopCloser(strings.NewReader(r.body))) // of unknown length
		if r.body == "" {
			req.Body = nil
		}
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want = append(want, fmt.Sprintf("response %d %s", resp.StatusCode, resp.Proto))
		if n > 0 {
			want = append(want, fmt.Sprintf("response body %d", n))
		}
		want = append(want, "response end")
	}
	if diff := cmp.Diff(want, got.lines); diff != "" {
		t.Errorf("-net/http +got:\n%s", diff)
	}
}

// FuzzConn checks that no input panics or exceeds the memory bound, and that bodies are
// never longer than the input.
func FuzzConn(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), uint8(7))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\nxyz"), uint8(1))
	f.Fuzz(func(t *testing.T, requests, responses []byte, step uint8) {
		var l log
		c := NewConn(&l, nil)
		for n := max(1, int(step)); len(requests)+len(responses) > 0; {
			k := min(n, len(requests))
			c.Data(1, client, requests[:k])
			requests = requests[k:]
			k = min(n, len(responses))
			c.Data(1, server, responses[:k])
			responses = responses[k:]
			if len(c.client.line) > maxHead || len(c.server.line) > maxHead || len(c.waiting.methods) > maxPipelined {
				t.Fatalf("holds %d and %d bytes, %d methods", len(c.client.line), len(c.server.line), len(c.waiting.methods))
			}
		}
		c.Gap(1, server, 5)
		c.Close(2)
	})
}
