package otlp

import (
	"context"
	"path/filepath"
	"runtime"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// process is what is known of a process: the resource of its spans.
type process struct {
	pid                                      int
	comm, exe, goVersion, container, service string
	parent                                   trace.SpanContext // of TRACEPARENT
	resource                                 string            // as a message; "" before its first span, or when more is known
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
		p.comm, p.resource = string(comm), ""
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
			*to, p.resource = v, ""
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

// describe returns the resource of a process. What its own environment says comes before what that
// of h2trace says, and this before its name.
func (x *Exporter) describe(p *process) *resource.Resource {
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

// resourceOf returns the resource for the spans of a process.
func (x *Exporter) resourceOf(p *process) string {
	if p.resource == "" {
		p.resource = string(resourceMessage(x.describe(p)))
	}
	return p.resource
}

// parent returns the parent for a span of a process: that of the request, of the environment of
// the process, or of the run, if any is to be.
func (x *Exporter) parent(request trace.SpanContext, p *process, inRun bool) trace.SpanContext {
	switch {
	case request.IsValid():
		return request
	case p.parent.IsValid():
		return p.parent
	case !inRun || x.opts.Command == "":
		return trace.SpanContext{}
	}
	if !x.run.IsValid() {
		x.run = x.identify(x.opts.Command, trace.SpanKindInternal, trace.SpanContext{})
	}
	return x.run
}

// endRun sends the span of the run, if it has a child.
func (x *Exporter) endRun() {
	if x.run.IsValid() {
		s := x.beginAs(x.run, x.opts.Command, trace.SpanKindInternal, trace.SpanContext{}, x.first, x.at)
		s.status(false, "")
		x.send(&process{comm: x.opts.Command})
	}
}
