package otlp

import (
	"context"
	"path/filepath"
	"runtime"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// process is what is known of a process: the resource of its spans.
type process struct {
	pid                                      int
	comm, exe, goVersion, container, service string
	parent                                   trace.SpanContext // of TRACEPARENT
	tracer                                   trace.Tracer      // nil before its first span, or when more is known
}

// processOf returns the process of an event.
func (x *Exporter) processOf() *process {
	pid := integer(x.event.Get("pid"))
	p, ok := x.processes.Get(pid)
	if !ok {
		p = &process{pid: pid}
		x.processes.Add(pid, p)
	}
	if comm := x.event.Word("comm"); string(comm) != p.comm {
		p.comm, p.tracer = string(comm), nil
	}
	return p
}

// process takes a process event. What an exec does not say does not outlast it.
func (x *Exporter) process() {
	e := &x.event
	action := string(e.Word("action"))
	if action == "exec" {
		x.processes.Remove(integer(e.Get("pid")))
	}
	if action != "exec" && action != "attached" && action != "skipped" {
		return
	}
	p := x.processOf()
	for key, to := range map[string]*string{"exe": &p.exe, "go_version": &p.goVersion, "container": &p.container, "service_name": &p.service} {
		if v := e.Text(key); v != "" {
			*to, p.tracer = v, nil
		}
	}
	if v := e.Text("traceparent"); v != "" {
		p.parent = spanContext(v)
	}
}

// spanContext returns what a traceparent names.
func spanContext(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// resource describes the process. What its own environment says comes before what that of h2trace
// says, and this before its name.
func (x *Exporter) resource(p *process) *resource.Resource {
	own := []attribute.KeyValue{
		semconv.TelemetrySDKName("opentelemetry"), semconv.TelemetrySDKLanguageGo, semconv.OSTypeKey.String(runtime.GOOS),
	}
	add := func(value string, make func(string) attribute.KeyValue) {
		if value != "" {
			own = append(own, make(value))
		}
	}
	add(x.opts.Host, semconv.HostName)
	add(p.exe, semconv.ProcessExecutablePath)
	add(p.container, semconv.ContainerID)
	add(p.service, semconv.ServiceName)
	if p.exe != "" {
		own = append(own, semconv.ProcessExecutableName(filepath.Base(p.exe)))
	}
	if p.pid > 0 {
		own = append(own, semconv.ProcessPID(p.pid))
	}
	if p.goVersion != "" {
		own = append(own, semconv.ProcessRuntimeName("go"), semconv.ProcessRuntimeVersion(p.goVersion))
	}
	name := resource.NewSchemaless(semconv.ServiceName(p.name()))
	r, err := resource.Merge(name, x.inherited)
	if err == nil {
		r, err = resource.Merge(r, resource.NewWithAttributes(semconv.SchemaURL, own...))
	}
	if err != nil {
		x.said.once("resource", "%v", err)
	}
	return r
}

// name is that of the service, if nobody says another.
func (p *process) name() string {
	switch {
	case p.comm != "":
		return p.comm
	case p.exe != "":
		return filepath.Base(p.exe)
	}
	return "unknown_service"
}

// tracerOf returns the tracer for the spans of a process.
func (x *Exporter) tracerOf(p *process) trace.Tracer {
	if p.tracer == nil {
		p.tracer = x.newTracer(x.resource(p))
	}
	return p.tracer
}

// maxValue bounds the texts of spans, unless OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT does.
const maxValue = 2048

func (x *Exporter) newTracer(r *resource.Resource) trace.Tracer {
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxValue
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(r), sdktrace.WithSpanProcessor(x.sender), sdktrace.WithRawSpanLimits(limits))
	return provider.Tracer(scope, trace.WithInstrumentationVersion(x.opts.Version), trace.WithSchemaURL(semconv.SchemaURL))
}

// under returns the context of the parent for a span of a process: that of the request, of the
// environment of the process, or of the run, if any is to be.
func (x *Exporter) under(request trace.SpanContext, p *process, inRun bool) context.Context {
	ctx := context.Background()
	switch {
	case request.IsValid():
		return trace.ContextWithRemoteSpanContext(ctx, request)
	case p.parent.IsValid():
		return trace.ContextWithRemoteSpanContext(ctx, p.parent)
	case !inRun || x.opts.Command == "":
		return ctx
	}
	if x.run == nil {
		r := x.resource(&process{comm: x.opts.Command})
		_, x.run = x.newTracer(r).Start(ctx, x.opts.Command, trace.WithTimestamp(x.first), trace.WithNewRoot())
		x.countUnsampled(x.run)
	}
	return trace.ContextWithSpan(ctx, x.run)
}

func (x *Exporter) countUnsampled(s trace.Span) {
	if !s.SpanContext().IsSampled() {
		x.unsampled.Add(1)
	}
}
