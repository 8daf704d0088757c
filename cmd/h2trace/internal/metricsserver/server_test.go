package metricsserver

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"h2trace/export/metrics"
)

func start(t *testing.T, from prometheus.Gatherer) *Server {
	t.Helper()
	s, err := Start("127.0.0.1:0", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestAddress reads what users give.
func TestAddress(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{":9464", "127.0.0.1:9464"},
		{"9464", "127.0.0.1:9464"},
		{"localhost:0", "localhost:0"},
		{"0.0.0.0:9464", "0.0.0.0:9464"},
		{"[::1]:9464", "[::1]:9464"},
		{"", ""},
		{":", ""},
		{"host", ""},
		{":http", ""},
		{":65536", ""},
		{"::1:9464", ""},
		{"http://x:9464", ""},
		{":-1", ""},
	} {
		var a Address
		if err := a.Set(tt.in); string(a) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: got %q, %v; want %q", tt.in, a, err, tt.want)
		}
	}
}

// TestResponses asks for what there is, and for what there is not.
func TestResponses(t *testing.T) {
	s := start(t, metrics.New(metrics.Options{}))
	base := strings.TrimSuffix(s.URL(), "/metrics")
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/metrics", 200, "\nh2trace_records_lost_total 0\n"},
		{"HEAD", "/metrics", 200, ""},
		{"POST", "/metrics", 405, ""},
		{"DELETE", "/", 405, ""},
		{"GET", "/", 200, `<a href="/metrics">`},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/metrics/x", 404, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, base+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s %s: got %s, %v\n%s", tt.method, tt.path, resp.Status, err, body)
		}
	}
	if s.Public() {
		t.Error("an address of loopback is public")
	}
}

// TestProtobuf asks as Prometheus does if it takes native histograms.
func TestProtobuf(t *testing.T) {
	r := metrics.New(metrics.Options{})
	r.Take([]byte(`{"v":1,"ts":"2026-01-02T03:04:05.000000000Z","event":"stall","side":"recv_window","window":65535,"stall_ms":1.000}`))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, start(t, r).URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	in := expfmt.NewDecoder(body, expfmt.ResponseFormat(resp.Header))
	for {
		var f dto.MetricFamily
		if err := in.Decode(&f); err != nil {
			t.Fatalf("no h2trace_stall_window_bytes: %v", err)
		}
		if f.GetName() == "h2trace_stall_window_bytes" {
			h := f.GetMetric()[0].GetHistogram()
			if len(h.GetPositiveSpan()) != 1 || len(h.GetBucket()) == 0 {
				t.Errorf("not both native and classic: %v", h)
			}
			return
		}
	}
}

// stuck is a gatherer that waits.
type stuck struct{ begun, end chan struct{} }

func (s stuck) Gather() ([]*dto.MetricFamily, error) {
	s.begun <- struct{}{}
	<-s.end
	return nil, nil
}

// TestManyScrapes asks more often at once than is allowed.
func TestManyScrapes(t *testing.T) {
	from := stuck{make(chan struct{}), make(chan struct{})}
	s := start(t, from)
	status := make(chan int, maxScrapes)
	for range maxScrapes {
		go func() {
			resp, err := http.Get(s.URL())
			if err != nil {
				status <- 0
				return
			}
			_ = resp.Body.Close()
			status <- resp.StatusCode
		}()
		<-from.begun
	}
	resp, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one scrape more: got %s", resp.Status)
	}
	close(from.end)
	for range maxScrapes {
		if got := <-status; got != http.StatusOK {
			t.Errorf("a scrape got %d", got)
		}
	}
}

// TestBadRequests sends what no client sends. Each connection ends.
func TestBadRequests(t *testing.T) {
	s := start(t, metrics.New(metrics.Options{}))
	for name, request := range map[string]string{
		"long headers": "GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes) + "\r\n\r\n",
		"no host":      "GET /metrics HTTP/1.1\r\n\r\n",
		"binary":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, request) // it may end before
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode < 400 || resp.StatusCode > 499 || !resp.Close {
			t.Errorf("%s: got %v, %v", name, resp, err)
		}
		_ = conn.Close()
	}
}

// TestCloseWithIdle closes while clients hold connections on which they ask nothing.
func TestCloseWithIdle(t *testing.T) {
	s, err := Start("127.0.0.1:0", metrics.New(metrics.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for range maxConns + 8 {
		conn, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	begun := time.Now()
	s.Close()
	if took := time.Since(begun); took > 30*closeTimeout {
		t.Errorf("it took %v", took)
	}
	if conn, err := net.Dial("tcp", s.listener.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("it listens on")
	}
}

// TestTaken says what to do where nobody can listen.
func TestTaken(t *testing.T) {
	s := start(t, metrics.New(metrics.Options{}))
	taken := s.listener.Addr().String()
	if _, err := Start(Address(taken), metrics.New(metrics.Options{})); err == nil || err.Error() != "--metrics: another program listens on "+taken+"; give another port" {
		t.Errorf("got %v", err)
	}
	if _, err := Start("192.0.2.1:0", metrics.New(metrics.Options{})); err == nil || !strings.Contains(err.Error(), "192.0.2.1:0 is no address of this host") {
		t.Errorf("got %v", err)
	}
}
