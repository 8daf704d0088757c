package otlp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"h2trace/export/otlp/otlptest"
)

// TestAsSDK holds each message of spans against the one that the exporter of the SDK makes of the
// same spans: of a download, and of what it lacks.
func TestAsSDK(t *testing.T) {
	stall := `{"v":1,"ts":"2026-11-30T12:00:01.900000000Z","event":"stall","pid":7,"comm":"client","conn":"c1","stream":1,` +
		`"side":"recv_window","window":-1,"start":"2026-11-30T12:00:01.600000000Z","stall_ms":25.500,"ended_by":"WINDOW_UPDATE"}`
	failed := strings.Replace(exchangeLine(okKeys), `"error":null`, `"error":{"class":"reset","detail":"REFUSED_STREAM"}`, 1)
	long := strings.Replace(exchangeLine(okKeys), "/cart", "/"+strings.Repeat("ä", 3000), 1)
	remote := strings.TrimSuffix(exchangeLine(okKeys), "}") + `,"open":true,"traceparent":"00-` + traceID + "-" + parentID + `-03"}`
	server := strings.Replace(strings.Replace(openLine, `"role":"client"`, `"role":"server"`, 1), `"conn":"c1"`, `"conn":"c2"`, 1)
	served := strings.Replace(strings.Replace(exchangeLine(okKeys), `"conn":"c1"`, `"conn":"c2"`, 1), `"pid":7`, `"pid":8`, 1)
	lines := append(recording(t), execLine, openLine, stall, exchangeLine(okKeys), failed, long, remote, server, served)
	c := otlptest.Start(t, nil)
	x, _ := start(t, c.URL)
	x.opts.Command = "make"
	for _, line := range lines {
		x.Line([]byte(line))
	}
	if got := x.Close(30 * time.Second).Spans; got.Dropped+got.Rejected > 0 || got.Sent < spansInRecording+7 {
		t.Errorf("%+v", got)
	}
	got := c.Traces()
	if diff := cmp.Diff(byResource(t, bySDK(t, got)), byResource(t, got), protocmp.Transform()); diff != "" {
		t.Errorf("-by the SDK +by h2trace\n%s", diff)
	}
}

// byResource returns spans by their resources, whose order says nothing.
func byResource(t *testing.T, list []*tracepb.ResourceSpans) map[string]*tracepb.ResourceSpans {
	t.Helper()
	of := make(map[string]*tracepb.ResourceSpans)
	for _, r := range list {
		key, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Resource)
		if err != nil {
			t.Fatal(err)
		}
		of[string(key)] = r
	}
	if len(of) != len(list) {
		t.Errorf("%d messages of %d resources", len(list), len(of))
	}
	return of
}

// bySDK returns what the exporter of the SDK makes of spans.
func bySDK(t *testing.T, list []*tracepb.ResourceSpans) []*tracepb.ResourceSpans {
	t.Helper()
	var stubs tracetest.SpanStubs
	for _, of := range list {
		r := resource.NewWithAttributes(of.SchemaUrl, keyValues(of.Resource.Attributes)...)
		for _, in := range of.ScopeSpans {
			scope := instrumentation.Scope{Name: in.Scope.Name, Version: in.Scope.Version, SchemaURL: in.SchemaUrl}
			for _, s := range in.Spans {
				stubs = append(stubs, stub(s, r, scope))
			}
		}
	}
	var got uploaded
	e, err := otlptrace.New(t.Context(), &got)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), stubs.Snapshots()); err != nil {
		t.Fatal(err)
	}
	return got
}

// stub returns a span as the SDK has it.
func stub(s *tracepb.Span, r *resource.Resource, scope instrumentation.Scope) tracetest.SpanStub {
	of := tracetest.SpanStub{
		Name: s.Name, SpanContext: contextOf(s.TraceId, s.SpanId, s.Flags&^isRemote), SpanKind: trace.SpanKind(s.Kind),
		StartTime: time.Unix(0, int64(s.StartTimeUnixNano)), EndTime: time.Unix(0, int64(s.EndTimeUnixNano)),
		Attributes: keyValues(s.Attributes), DroppedAttributes: int(s.DroppedAttributesCount),
		DroppedEvents: int(s.DroppedEventsCount), DroppedLinks: int(s.DroppedLinksCount),
		Resource: r, InstrumentationScope: scope,
	}
	if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		of.Status = sdktrace.Status{Code: codes.Error, Description: s.Status.Message}
	}
	if len(s.ParentSpanId) > 0 {
		of.Parent = contextOf(s.TraceId, s.ParentSpanId, s.Flags)
	}
	for _, e := range s.Events {
		of.Events = append(of.Events, sdktrace.Event{
			Name: e.Name, Time: time.Unix(0, int64(e.TimeUnixNano)), Attributes: keyValues(e.Attributes), DroppedAttributeCount: int(e.DroppedAttributesCount),
		})
	}
	for _, l := range s.Links {
		of.Links = append(of.Links, sdktrace.Link{SpanContext: contextOf(l.TraceId, l.SpanId, l.Flags)})
	}
	return of
}

func contextOf(traceID, spanID []byte, flags uint32) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(traceID), SpanID: trace.SpanID(spanID), TraceFlags: trace.TraceFlags(flags), Remote: flags&isRemote != 0,
	})
}

func keyValues(list []*common.KeyValue) (of []attribute.KeyValue) {
	for _, kv := range list {
		key := attribute.Key(kv.Key)
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			of = append(of, key.String(v.StringValue))
		case *common.AnyValue_IntValue:
			of = append(of, key.Int64(v.IntValue))
		case *common.AnyValue_DoubleValue:
			of = append(of, key.Float64(v.DoubleValue))
		case *common.AnyValue_BoolValue:
			of = append(of, key.Bool(v.BoolValue))
		}
	}
	return of
}

// uploaded is a client of the exporter of the SDK, which keeps what it gets.
type uploaded []*tracepb.ResourceSpans

func (*uploaded) Start(context.Context) error { return nil }
func (*uploaded) Stop(context.Context) error  { return nil }

func (u *uploaded) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	*u = append(*u, spans...)
	return nil
}
