package e2e

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"h2trace/export/otlp/otlptest"
)

// instrumentedProgram asks itself over HTTPS, both ends with the instrumentation of OpenTelemetry. It
// prints its own spans.
const instrumentedProgram = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func main() {
	spans := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	site := httptest.NewUnstartedServer(otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, "hello")
	}), "site"))
	site.EnableHTTP2 = true
	site.StartTLS()
	client := site.Client()
	client.Transport = otelhttp.NewTransport(client.Transport)
	for i := range 5 {
		req, err := http.NewRequestWithContext(context.Background(), "GET", fmt.Sprintf("%s/%d", site.URL, i), nil)
		check(err)
		resp, err := client.Do(req)
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		check(resp.Body.Close())
	}
	site.Close()
	out := json.NewEncoder(os.Stdout)
	for _, s := range spans.GetSpans() {
		check(out.Encode(map[string]any{
			"trace": s.SpanContext.TraceID().String(), "span": s.SpanContext.SpanID().String(), "client": s.SpanKind.String() == "client",
			"start": s.StartTime.UnixNano(), "end": s.EndTime.UnixNano(), "status": s.Status.Code.String(),
		}))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

const instrumentedModule = `module program

go 1.26

require (
	go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.72.0
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/sdk v1.47.0
)
`

// ownSpan is a span that the program made itself.
type ownSpan struct {
	Trace, Span, Status string
	Client              bool
	Start, End          int64
}

// TestOTLPInstrumented observes a program that makes spans itself. Those of h2trace for both ends are
// children of the one of its client, of the same trace, within its time, and fail where it fails.
func TestOTLPInstrumented(t *testing.T) {
	t.Parallel()
	needProbes(t)
	program := buildInstrumented(t)
	c := otlptest.Start(t, nil)
	r := startTracing(t, command{flags: toCollector(c.URL), args: []string{program}, env: os.Environ()}).good()
	clients := make(map[string]ownSpan)
	for line := range strings.Lines(r.stdout) {
		var s ownSpan
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if s.Client {
			clients[s.Span] = s
		}
	}
	if len(clients) != 5 {
		t.Fatalf("the program made %d spans of its client:\n%s", len(clients), r.stdout)
	}
	ends := make(map[trace.Span_SpanKind]int)
	const skew = int64(time.Millisecond) // between the clock of the process and that of the kernel
	for _, s := range c.Spans() {
		if s.Attributes["http.request.method"] == nil {
			continue
		}
		ends[s.Kind]++
		own, ok := clients[hex.EncodeToString(s.ParentSpanId)]
		if !ok || own.Trace != hex.EncodeToString(s.TraceId) {
			t.Errorf("%v span of trace %x is a child of %x", s.Kind, s.TraceId, s.ParentSpanId)
			continue
		}
		if int64(s.StartTimeUnixNano) < own.Start-skew || int64(s.EndTimeUnixNano) > own.End+skew {
			t.Errorf("%v span from %d to %d, that of the program from %d to %d", s.Kind, s.StartTimeUnixNano, s.EndTimeUnixNano, own.Start, own.End)
		}
		if failed := s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR; failed != (own.Status == "Error") {
			t.Errorf("%v span has status %v, that of the program %s", s.Kind, s.Status, own.Status)
		}
	}
	if ends[trace.Span_SPAN_KIND_CLIENT] != 5 || ends[trace.Span_SPAN_KIND_SERVER] != 5 {
		t.Errorf("of 5 requests there are the spans %v", ends)
	}
}

// buildInstrumented builds the program, which needs a network where its modules were never fetched.
func buildInstrumented(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": instrumentedModule, "main.go": instrumentedProgram} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-ldflags=-w", "-o", "instrumented")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		text := string(out)
		_, hosts := configuration(t)
		for _, h := range hosts {
			text = strings.ReplaceAll(text, h, "goproxy.example")
		}
		t.Fatalf("go build: %v\n%s", err, indent(text))
	}
	return filepath.Join(dir, "instrumented")
}
