package otlp

import (
	"context"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"h2trace/export/scan"
)

// conn is what spans of exchanges need of their connection.
type conn struct {
	server bool
	remote string
	setup  trace.SpanContext // of the span of its establishment, if that was seen
	stalls []stalled
}

func (c *conn) kind() trace.SpanKind {
	if c.server {
		return trace.SpanKindServer
	}
	return trace.SpanKindClient
}

// connOf returns the connection of an event.
func (x *Exporter) connOf() *conn {
	id := x.event.Word("conn")
	c, ok := x.conns.Get(string(id))
	if !ok {
		c = &conn{}
		x.conns.Add(string(id), c)
	}
	return c
}

// isServer reports whether the event is of the server's side.
func (x *Exporter) isServer() bool { return x.connOf().server }

// connection takes a conn event.
func (x *Exporter) connection() {
	e := &x.event
	switch string(e.Word("action")) {
	case "dns":
		x.lookup()
	case "open":
		c := x.connOf()
		*c = conn{server: string(e.Word("role")) == "server", remote: e.Text("remote")}
		if setup := x.phases(false); setup.whole() {
			c.setup = x.setup(&setup)
		}
	case "failed":
		if setup := x.phases(true); setup.whole() {
			x.setup(&setup)
		}
	case "close":
		// Exchanges that end with their connection come before.
		x.conns.Remove(string(e.Word("conn")))
	}
}

// phase is a part of the establishment of a connection.
type phase struct{ begin, end time.Time }

func (p phase) seen() bool { return !p.begin.IsZero() }

// phases are those of a connection that was opened, or was not.
type phases struct {
	dns, connect, tls phase
	failed            bool
}

// phases returns those of the event. TCP is connected when a connection opens, and TLS begins then. A
// connection that failed did so at the end of its last phase.
func (x *Exporter) phases(failed bool) phases {
	e := &x.event
	dns, resolved := scan.Millis(e.Get("dns_ms"))
	connect, connected := scan.Millis(e.Get("connect_ms"))
	tls, secured := scan.Millis(e.Get("tls_ms"))
	p := phases{failed: failed}
	at := x.at
	if failed {
		at = at.Add(-max(tls, 0))
	}
	if secured {
		p.tls = phase{at, at.Add(tls)}
	}
	if connected {
		p.connect = phase{at.Add(-connect), at}
		at = p.connect.begin
	}
	if resolved {
		p.dns = x.resolved(at, dns)
	}
	return p
}

// whole reports whether it is known when the establishment began.
func (p *phases) whole() bool { return p.failed || p.connect.seen() || p.dns.seen() || p.tls.seen() }

// bounds returns when the first phase began, and the last one ended.
func (p *phases) bounds(at time.Time) (begin, end time.Time) {
	begin, end = at, at
	for i, of := range [...]phase{p.dns, p.connect, p.tls} {
		if !of.seen() {
			continue
		}
		if begin.After(of.begin) {
			begin = of.begin
		}
		if i == 2 || end.Before(of.end) {
			end = of.end
		}
	}
	return begin, end
}

// setup makes the span of an establishment, and those of its phases.
func (x *Exporter) setup(of *phases) trace.SpanContext {
	e, p := &x.event, x.processOf()
	role := string(e.Word("role"))
	peer := peerOf(e)
	attrs := attributes(make([]attribute.KeyValue, 0, 12))
	attrs.address(semconv.ServerAddressKey, semconv.ServerPortKey, peer)
	attrs.address(semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, e.Text("remote"))
	attrs = append(attrs, semconv.NetworkTransportTCP)
	attrs.text("h2trace.conn", e.Text("conn"))
	attrs.text("h2trace.via", e.Text("via"))
	attrs.text("h2trace.role", role)
	kind := scan.Text(e.Within("error", "class"))
	attrs.text(semconv.ErrorTypeKey, kind)
	begin, end := of.bounds(x.at)
	tracer := x.tracerOf(p)
	ctx, span := tracer.Start(x.under(trace.SpanContext{}, p, role != "server"), strings.TrimRight("HTTP connection_setup "+peer, " "),
		trace.WithTimestamp(begin), trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(attrs...))
	x.countUnsampled(span)
	x.children(ctx, tracer, of, kind)
	if kind != "" {
		span.SetStatus(codes.Error, scan.Text(e.Within("error", "detail")))
	}
	span.End(trace.WithTimestamp(end))
	return span.SpanContext()
}

// children makes the spans of the phases.
func (x *Exporter) children(ctx context.Context, tracer trace.Tracer, of *phases, failed string) {
	e := &x.event
	var dns, connect, tls attributes
	tls.text(semconv.ServerAddressKey, scan.Text(e.Within("tls", "sni")))
	dns.text(semconv.DNSQuestionNameKey, e.Text("name"))
	connect.address(semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, e.Text("remote"))
	tls.text(semconv.TLSCipherKey, scan.Text(e.Within("tls", "cipher")))
	tls.text(semconv.TLSNextProtocolKey, scan.Text(e.Within("tls", "alpn")))
	if v, ok := strings.CutPrefix(scan.Text(e.Within("tls", "version")), "TLS "); ok {
		tls = append(tls, semconv.TLSProtocolNameTLS, semconv.TLSProtocolVersion(v))
	}
	if v := e.Within("tls", "resumed"); scan.Known(v) {
		tls = append(tls, semconv.TLSResumed(string(v) == "true"))
	}
	for _, child := range [...]struct {
		phase
		name, class string
		attrs       attributes
	}{
		{of.dns, strings.TrimRight("DNS lookup "+e.Text("name"), " "), "dns", dns},
		{of.connect, strings.TrimRight("socket connect "+e.Text("remote"), " "), "connect", connect},
		{of.tls, "TLS handshake", "tls", tls},
	} {
		if !child.seen() {
			continue
		}
		child.attrs.text(semconv.ErrorTypeKey, sameOr(failed, child.class))
		_, span := tracer.Start(ctx, child.name, trace.WithTimestamp(child.begin), trace.WithAttributes(child.attrs...))
		x.countUnsampled(span)
		if failed == child.class {
			span.SetStatus(codes.Error, scan.Text(e.Within("error", "detail")))
		}
		span.End(trace.WithTimestamp(child.end))
	}
}

// sameOr returns a if it is b, or else "".
func sameOr(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

// peerOf names the peer of a connection: by its name, if that is known.
func peerOf(e *scan.Object) string {
	remote := e.Text("remote")
	name := e.Text("name")
	if name == "" {
		return remote
	}
	if _, port, err := net.SplitHostPort(remote); err == nil {
		return net.JoinHostPort(name, port)
	}
	return name
}
