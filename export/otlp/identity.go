package otlp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// identify returns the ids of a new span. It is to be sent if it is sampled.
func (x *Exporter) identify(name string, kind trace.SpanKind, parent trace.SpanContext) trace.SpanContext {
	id := trace.SpanContextConfig{TraceID: parent.TraceID(), SpanID: newSpanID(), TraceFlags: parent.TraceFlags()}
	if !id.TraceID.IsValid() {
		id.TraceID = newTraceID()
	}
	ctx := context.Background()
	if parent.IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, parent)
	}
	result := x.sampler.ShouldSample(sdktrace.SamplingParameters{ParentContext: ctx, TraceID: id.TraceID, Name: name, Kind: kind})
	id.TraceFlags = id.TraceFlags.WithSampled(result.Decision == sdktrace.RecordAndSample)
	return trace.NewSpanContext(id)
}

func newSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// newSampler returns the sampler that the environment names (OpenTelemetry SDK, General SDK
// Configuration). One that it names wrong is as none: an error says so.
func newSampler(getenv func(string) string) (sdktrace.Sampler, error) {
	usual := sdktrace.ParentBased(sdktrace.AlwaysSample())
	name := strings.ToLower(strings.TrimSpace(getenv("OTEL_TRACES_SAMPLER")))
	base, parentBased := strings.CutPrefix(name, "parentbased_")
	if name == "" {
		return usual, nil
	}
	var root sdktrace.Sampler
	var err error
	switch base {
	case "always_on":
		root = sdktrace.AlwaysSample()
	case "always_off":
		root = sdktrace.NeverSample()
	case "traceidratio":
		var ratio float64
		ratio, err = samplerRatio(getenv("OTEL_TRACES_SAMPLER_ARG"))
		root = sdktrace.TraceIDRatioBased(ratio)
	default:
		return usual, fmt.Errorf("OTEL_TRACES_SAMPLER names %q, which is no sampler; all spans are sent whose parents are", name)
	}
	if parentBased {
		root = sdktrace.ParentBased(root)
	}
	return root, err
}

// samplerRatio returns the part of the traces to sample, all of them if the text does not say.
func samplerRatio(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 1, nil
	}
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return 1, errors.New("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; all traces are sent")
	}
	return ratio, nil
}
