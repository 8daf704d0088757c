// Package otlptest is a collector for tests: it keeps what it gets over OTLP/HTTP, and answers as a
// test says.
package otlptest

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span, and what it has from its resource.
type Span struct {
	*trace.Span
	Attributes map[string]any
	Resource   map[string]any
	Scope      string
}

// Collector is a server that takes OTLP.
type Collector struct {
	*httptest.Server
	t testing.TB

	mu      sync.Mutex
	spans   []Span
	traces  []*trace.ResourceSpans
	metrics []*metrics.ResourceMetrics
	headers []http.Header
	answer  func(n int, w http.ResponseWriter, r *http.Request) bool
	posts   int
}

// Start starts a collector. Each request first goes to answer, with its number from 0 on; if
// answer returns true it has been answered, and its spans are not kept. answer may be nil.
func Start(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request) bool) *Collector {
	c := &Collector{t: t, answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	n := c.posts
	c.posts++
	c.headers = append(c.headers, r.Header.Clone())
	c.mu.Unlock()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			c.t.Errorf("collector: %v", err)
			return
		}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return // the client left
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("collector: %s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	if c.answer != nil && c.answer(n, w, r) {
		return
	}
	var answer proto.Message
	switch r.URL.Path {
	case "/v1/traces":
		answer = c.takeSpans(b)
	case "/v1/metrics":
		answer = c.takeMetrics(b)
	default:
		http.NotFound(w, r)
		return
	}
	b, err = proto.Marshal(answer)
	if err != nil {
		c.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(b)
}

func (c *Collector) takeSpans(b []byte) proto.Message {
	var req coltrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &req); err != nil {
		c.t.Errorf("collector: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traces = append(c.traces, req.ResourceSpans...)
	for _, of := range req.ResourceSpans {
		resource := Attributes(of.Resource.Attributes)
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, Span{s, Attributes(s.Attributes), resource, scope.Scope.Name})
			}
		}
	}
	return &coltrace.ExportTraceServiceResponse{}
}

func (c *Collector) takeMetrics(b []byte) proto.Message {
	var req colmetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(b, &req); err != nil {
		c.t.Errorf("collector: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics = append(c.metrics, req.ResourceMetrics...)
	return &colmetrics.ExportMetricsServiceResponse{}
}

// Spans returns the spans so far, in the order of their arrival.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Traces returns the spans so far as they came, with what describes their resources and scopes.
func (c *Collector) Traces() []*trace.ResourceSpans {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.traces)
}

// Metrics returns the metrics so far.
func (c *Collector) Metrics() []*metrics.ResourceMetrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.metrics)
}

// Headers returns those of all requests so far.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}

// Partial answers that some spans of a batch are rejected.
func Partial(w http.ResponseWriter, rejected int64, text string) {
	b, err := proto.Marshal(&coltrace.ExportTraceServiceResponse{
		PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: text},
	})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(b)
}

// Attributes returns attributes as a map.
func Attributes(list []*common.KeyValue) map[string]any {
	m := make(map[string]any)
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.Key] = v.IntValue
		case *common.AnyValue_DoubleValue:
			m[kv.Key] = v.DoubleValue
		case *common.AnyValue_BoolValue:
			m[kv.Key] = v.BoolValue
		default:
			m[kv.Key] = kv.Value.String()
		}
	}
	return m
}
