package otlp

import (
	"net"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"h2trace/export/scan"
)

// conn is what spans of exchanges need of their connection.
type conn struct {
	server bool
	remote string
	setup  trace.SpanContext // of the span of its establishment, if that was seen
	stalls []*stalled        // that wait, the oldest first
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

// connection takes a conn event.
func (x *Exporter) connection() {
	e := &x.event
	switch string(e.Word("action")) {
	case "dns":
		x.lookup()
	case "open":
		c := x.connOf()
		x.stalls.forget(c)
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
		id := string(e.Word("conn"))
		if c, ok := x.conns.Get(id); ok {
			x.stalls.forget(c)
			x.conns.Remove(id)
		}
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
	role, peer := string(e.Word("role")), peerOf(e)
	begin, end := of.bounds(x.at)
	span := x.begin(strings.TrimRight("HTTP connection_setup "+peer, " "), trace.SpanKindInternal, x.parent(trace.SpanContext{}, p, role != "server"), begin, end)
	span.address(semconv.ServerAddressKey, semconv.ServerPortKey, peer)
	span.address(semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, e.Text("remote"))
	span.textOrEmpty(semconv.NetworkTransportKey, "tcp")
	span.text("h2trace.conn", e.Text("conn"))
	span.text("h2trace.via", e.Text("via"))
	span.text("h2trace.role", role)
	class := scan.Text(e.Within("error", "class"))
	span.text(semconv.ErrorTypeKey, class)
	span.status(class != "", scan.Text(e.Within("error", "detail")))
	x.send(p)
	setup := span.context
	x.children(p, setup, of, class)
	return setup
}

// children makes the spans of the phases.
func (x *Exporter) children(p *process, setup trace.SpanContext, of *phases, failed string) {
	e := &x.event
	for _, child := range [...]struct {
		phase
		name, class string
		add         func(*span)
	}{
		{of.dns, "DNS lookup " + e.Text("name"), "dns", func(s *span) { s.text(semconv.DNSQuestionNameKey, e.Text("name")) }},
		{of.connect, "socket connect " + e.Text("remote"), "connect", func(s *span) {
			s.address(semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, e.Text("remote"))
		}},
		{of.tls, "TLS handshake", "tls", x.handshake},
	} {
		if !child.seen() {
			continue
		}
		span := x.begin(strings.TrimRight(child.name, " "), trace.SpanKindInternal, setup, child.begin, child.end)
		child.add(span)
		if failed == child.class {
			span.text(semconv.ErrorTypeKey, failed)
			span.status(true, scan.Text(e.Within("error", "detail")))
		} else {
			span.status(false, "")
		}
		x.send(p)
	}
}

// handshake adds what is known of TLS.
func (x *Exporter) handshake(s *span) {
	tls := x.event.Get("tls")
	s.text(semconv.ServerAddressKey, scan.Text(scan.Member(tls, "sni")))
	s.text(semconv.TLSCipherKey, scan.Text(scan.Member(tls, "cipher")))
	s.text(semconv.TLSNextProtocolKey, scan.Text(scan.Member(tls, "alpn")))
	if v, ok := strings.CutPrefix(scan.Text(scan.Member(tls, "version")), "TLS "); ok {
		s.textOrEmpty(semconv.TLSProtocolNameKey, "tls")
		s.textOrEmpty(semconv.TLSProtocolVersionKey, v)
	}
	if v := scan.Member(tls, "resumed"); scan.Known(v) {
		s.bool(semconv.TLSResumedKey, string(v) == "true")
	}
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
