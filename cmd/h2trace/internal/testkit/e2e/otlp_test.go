package e2e

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/http2"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/export/otlp/otlptest"
)

// toCollector are the flags for a collector, which does not take secrets.
func toCollector(url string, more ...string) []string {
	return append([]string{"--show-secrets=false", "--otlp", url}, more...)
}

// delivered is the account of a summary.
type delivered struct {
	SpansSent      uint64 `json:"spans_sent"`
	SpansRejected  uint64 `json:"spans_rejected"`
	SpansDropped   uint64 `json:"spans_dropped"`
	SpansUnsampled uint64 `json:"spans_unsampled"`
	PointsSent     uint64 `json:"points_sent"`
	PointsDropped  uint64 `json:"points_dropped"`
}

func deliveredOf(t *testing.T, s *contract.Stream) delivered {
	t.Helper()
	var summary struct{ OTLP *delivered }
	if err := json.Unmarshal([]byte(s.Summary.Raw), &summary); err != nil || summary.OTLP == nil {
		t.Fatalf("%v: %s", err, s.Summary.Raw)
	}
	return *summary.OTLP
}

// withTraceParent returns an environment in which a span is under way.
func withTraceParent(env []string) (_ []string, traceID, parent string) {
	traceID, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	return append(env[:len(env):len(env)], "TRACEPARENT=00-"+traceID+"-"+parent+"-01", "OTEL_SERVICE_NAME=builder"), traceID, parent
}

// TestOTLP holds what a collector gets of a download against the events of the same run: each exchange
// has its span, each connection that of its establishment, and the metrics count the exchanges. A
// proxy that fails at first has the go command ask the next one.
func TestOTLP(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/small", 20, 200)
	w := modproxy.NewWorkspace(t, a, mods, modproxy.Start(t, a, mods[5:], modproxy.Options{}), modproxy.Start(t, a, mods, modproxy.Options{}))
	env, traceID, parent := withTraceParent(w.Env)
	c := otlptest.Start(t, nil)
	r := startTracing(t, command{flags: toCollector(c.URL), args: []string{"go", "mod", "download"}, dir: w.Dir, env: env}).good()
	spans := c.Spans()
	byExchange := make(map[string]otlptest.Span)
	setups := make(map[string]otlptest.Span)
	for _, s := range spans {
		conn, _ := s.Attributes["h2trace.conn"].(string)
		switch {
		case s.Kind == trace.Span_SPAN_KIND_CLIENT:
			byExchange[conn+time.Unix(0, int64(s.StartTimeUnixNano)).UTC().Format(time.RFC3339Nano)+s.Attributes["url.full"].(string)] = s
		case conn != "":
			setups[conn] = s
		}
		if s.Resource["service.name"] != "builder" || hex.EncodeToString(s.TraceId) != traceID {
			t.Errorf("%s is of service %v, trace %x", s.Name, s.Resource["service.name"], s.TraceId)
		}
	}
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		s, ok := byExchange[e.Conn+e.Start.UTC().Format(time.RFC3339Nano)+e.URL]
		if !ok {
			t.Errorf("no span of %s %s", e.Conn, e.URL)
			continue
		}
		checkSpan(t, &e, &s)
		if hex.EncodeToString(s.ParentSpanId) != parent {
			t.Errorf("%s is a child of %x", e.URL, s.ParentSpanId)
		}
		setup, ok := setups[e.Conn]
		if !ok || len(s.Links) != 1 || string(s.Links[0].SpanId) != string(setup.SpanId) {
			t.Errorf("%s is linked with %v, not with the span of %s", e.URL, s.Links, e.Conn)
		}
		if ok && !*e.Reused && setup.EndTimeUnixNano > s.StartTimeUnixNano {
			t.Errorf("%s begins before %s is established", e.URL, e.Conn)
		}
	}
	if len(list) < 40 || len(byExchange) != len(list) {
		t.Errorf("%d spans, %d exchanges", len(byExchange), len(list))
	}
	got := deliveredOf(t, r.stream)
	if got.SpansSent != uint64(len(spans)) || got.SpansDropped+got.SpansRejected+got.SpansUnsampled != 0 || got.PointsSent == 0 {
		t.Errorf("%d spans came, the summary says %+v", len(spans), got)
	}
	if n := valuesOf(t, c, "http.client.request.duration"); n != uint64(len(list)) {
		t.Errorf("the metrics count %d exchanges, there are %d", n, len(list))
	}
}

// checkSpan requires that the span of an exchange says what the event does.
func checkSpan(t *testing.T, e *contract.Exchange, s *otlptest.Span) {
	t.Helper()
	failed := s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR
	if s.Name != e.Method || s.Attributes["http.response.status_code"] != int64(e.Status) || failed != (e.Error != nil) ||
		int64(s.StartTimeUnixNano) != e.Start.UnixNano() || int64(s.EndTimeUnixNano) != e.TS.UnixNano() ||
		s.Attributes["http.response.body.size"] != *e.ResponseBytes || s.Attributes["h2trace.wait_ms"] != *e.Wait {
		t.Errorf("of %+v the span is\n%v", e, s)
	}
}

// valuesOf returns the number of values in a histogram of the last metrics.
func valuesOf(t *testing.T, c *otlptest.Collector, name string) (n uint64) {
	t.Helper()
	all := c.Metrics()
	if len(all) == 0 {
		t.Fatal("no metrics came")
	}
	for _, scope := range all[len(all)-1].ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			for _, p := range m.GetHistogram().DataPoints {
				n += p.Count
			}
		}
	}
	return n
}

// TestOTLPRetry has a server refuse a stream, after which net/http sends the request again.
func TestOTLPRetry(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	addr, played := scriptedServer(t, a, func(p *peer) {
		must(p.WriteRSTStream(p.accept(), http2.ErrCodeRefusedStream))
		p.answer(p.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameHeaders }).Header().StreamID)
	})
	c := otlptest.Start(t, nil)
	startTracing(t, command{flags: toCollector(c.URL), args: []string{fetch.path(t), "https://" + addr + "/m"}, env: peerEnv(a)}).good()
	<-played
	var got []map[string]any
	for _, s := range c.Spans() {
		if s.Kind == trace.Span_SPAN_KIND_CLIENT {
			got = append(got, map[string]any{
				"error": s.Attributes["error.type"], "resend": s.Attributes["http.request.resend_count"],
				"status": s.Attributes["http.response.status_code"], "failed": s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR,
			})
		}
	}
	want := []map[string]any{
		{"error": "reset", "resend": nil, "status": nil, "failed": true},
		{"error": nil, "resend": int64(1), "status": int64(200), "failed": false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOTLPAway has COMMAND end as usual, and soon, when there is no collector, or one that hangs.
func TestOTLPAway(t *testing.T) {
	needProbes(t)
	hangs := otlptest.Start(t, func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
	gone := otlptest.Start(t, nil)
	gone.Close()
	for name, tt := range map[string]struct{ url, says string }{
		"away":  {gone.URL, "connection refused; h2trace tries again, and counts what it drops"},
		"hangs": {hangs.URL, "did not take everything within 5s after the end; the rest is dropped, and counted in the summary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := modproxy.NewAuthority(t)
			mods := modproxy.Modules("example.test/small", 5, 200)
			w := modproxy.NewWorkspace(t, a, mods, modproxy.Start(t, a, mods, modproxy.Options{}))
			begun := time.Now()
			r := startTracing(t, command{flags: toCollector(tt.url), args: []string{"sh", "-c", "go mod download; exit 7"}, dir: w.Dir, env: w.Env}).wait()
			took := time.Since(begun)
			list, err := r.stream.Exchanges()
			if err != nil || len(list) == 0 || r.status != 7 {
				t.Fatalf("%v, %d exchanges, exit status %d\n%s", err, len(list), r.status, indent(r.stderr))
			}
			got := deliveredOf(t, r.stream)
			if got.SpansSent != 0 || got.PointsSent != 0 || got.SpansDropped < uint64(len(list)) || got.PointsDropped == 0 {
				t.Errorf("of %d exchanges, the summary says %+v", len(list), got)
			}
			if n := strings.Count(r.stderr, "takes no spans"); n > 1 || !strings.Contains(r.stderr, tt.says) {
				t.Errorf("it says, within %v:\n%s", took, indent(messagesOf(r.stderr)))
			}
		})
	}
}

// spansOf returns how many spans the events of a run are.
func spansOf(s *contract.Stream) uint64 {
	n := len(s.Of("exchange"))
	for _, e := range s.Of("conn") {
		if e.Action != "open" {
			continue
		}
		n++
		for _, key := range []string{"dns_ms", "connect_ms", "tls_ms"} {
			if !strings.Contains(e.Raw, `"`+key+`":null`) {
				n++
			}
		}
	}
	return uint64(n)
}
