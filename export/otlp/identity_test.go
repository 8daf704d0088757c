package otlp

import (
	"context"
	"fmt"
	"os"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// fixed makes the same ids each time.
type fixed struct{ trace trace.TraceID }

func (f *fixed) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return f.trace, trace.SpanID{1}
}
func (f *fixed) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return trace.SpanID{1} }

// TestSampler samples the traces that the SDK does with the same environment.
func TestSampler(t *testing.T) {
	parents := map[string]trace.SpanContextConfig{
		"no parent": {}, "unsampled": {SpanID: trace.SpanID{2}, Remote: true}, "sampled": {SpanID: trace.SpanID{2}, Remote: true, TraceFlags: trace.FlagsSampled},
	}
	for _, tt := range []struct {
		name, arg string
		err       bool
	}{
		{"", "", false},
		{"always_on", "", false},
		{" ALWAYS_OFF ", "", false},
		{"traceidratio", "", false},
		{"traceidratio", " 0.25", false},
		{"traceidratio", "0", false},
		{"parentbased_always_on", "", false},
		{"parentbased_always_off", "", false},
		{"parentbased_traceidratio", "0.5", false},
		{"traceidratio", "2", true},
		{"traceidratio", "-1", true},
		{"parentbased_traceidratio", "half", true},
		{"parentbased_traceidratio", "NaN", true},
		{"jaeger_remote", "", true},
		{"parentbased_", "", true},
	} {
		t.Run(tt.name+" "+tt.arg, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", tt.name)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", tt.arg)
			sampler, err := newSampler(os.Getenv)
			if (err != nil) != tt.err {
				t.Errorf("error %v", err)
			}
			x := &Exporter{sampler: sampler}
			var ids fixed
			tracer := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(&ids)).Tracer("")
			for name, parent := range parents {
				for i := range byte(16) {
					ids.trace = trace.TraceID{0: 1, 8: i << 4}
					of := trace.SpanContext{}
					if parent.SpanID.IsValid() {
						parent.TraceID = ids.trace
						of = trace.NewSpanContext(parent)
					}
					_, span := tracer.Start(trace.ContextWithSpanContext(t.Context(), of), "")
					of = of.WithTraceID(ids.trace)
					if got, want := x.identify("", trace.SpanKindClient, of), span.SpanContext(); got.IsSampled() != want.IsSampled() || got.TraceID() != want.TraceID() {
						t.Errorf("%s, trace %x: got %v, want %v", name, ids.trace, got, want)
					}
				}
			}
		})
	}
}

// TestIDs has ids that are new for each span, and the trace of the parent.
func TestIDs(t *testing.T) {
	x := &Exporter{sampler: sdktrace.AlwaysSample()}
	seen := make(map[string]bool)
	for range 1000 {
		id := x.identify("", trace.SpanKindClient, trace.SpanContext{})
		child := x.identify("", trace.SpanKindClient, id)
		if !id.IsValid() || child.TraceID() != id.TraceID() {
			t.Fatalf("%v, child %v", id, child)
		}
		for _, key := range []string{fmt.Sprint(id.TraceID()), fmt.Sprint(id.SpanID()), fmt.Sprint(child.SpanID())} {
			if seen[key] {
				t.Fatalf("%s is there twice", key)
			}
			seen[key] = true
		}
	}
}
