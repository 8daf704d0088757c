package otlp

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// knownMethods are those of RFC 9110, RFC 5789 and RFC 10008. Others are no names for spans: there
// is no end of them.
var knownMethods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "DELETE": true, "CONNECT": true,
	"OPTIONS": true, "TRACE": true, "PATCH": true, "QUERY": true,
}

// exchange makes the span of an exchange.
func (x *Exporter) exchange() {
	e := &x.event
	p, c := x.processOf(), x.connOf()
	start, known := x.times.Parse(e.Get("start"))
	begin := time.Unix(0, start)
	if !known || begin.After(x.at) {
		begin = x.at
	}
	attrs := x.attrs[:0]
	name := attrs.method(e.Text("method"))
	x.target(&attrs, c)
	x.outcome(&attrs)
	if !known {
		attrs = append(attrs, attribute.Bool("h2trace.start_unknown", true))
	}
	x.attrs = attrs // the tracer copies them
	opts := []trace.SpanStartOption{
		trace.WithTimestamp(begin), trace.WithSpanKind(c.kind()), trace.WithAttributes(attrs...),
	}
	if c.setup.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: c.setup}))
	}
	parent := spanContext(e.Text("traceparent"))
	_, span := x.tracerOf(p).Start(x.under(parent, p, !c.server), name, opts...)
	x.countUnsampled(span)
	x.addStalls(span, c, begin)
	if status, text := verdict(e, c.server); status != codes.Unset {
		span.SetStatus(status, text)
	}
	span.End(trace.WithTimestamp(x.at))
}

// method adds the method, and returns the name of a span for it.
func (a *attributes) method(m string) (name string) {
	switch {
	case m == "": // it was not seen
		return "HTTP"
	case knownMethods[m]:
		*a = append(*a, semconv.HTTPRequestMethodKey.String(m))
		return m
	}
	*a = append(*a, semconv.HTTPRequestMethodOther, semconv.HTTPRequestMethodOriginal(m))
	return "HTTP"
}

// target adds where a request goes.
func (x *Exporter) target(a *attributes, c *conn) {
	e := &x.event
	text := e.Text("url")
	u := parseTarget(text)
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	a.text(semconv.ServerAddressKey, host)
	if n, err := strconv.Atoi(port); err == nil && host != "" {
		*a = append(*a, semconv.ServerPort(n))
	}
	if c.server {
		a.text(semconv.URLSchemeKey, u.Scheme)
		a.text(semconv.URLPathKey, u.EscapedPath())
		a.text(semconv.URLQueryKey, u.RawQuery)
		a.address(semconv.ClientAddressKey, semconv.ClientPortKey, c.remote)
	} else {
		a.text(semconv.URLFullKey, text)
	}
	a.address(semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey, c.remote)
	switch protocol := string(e.Word("protocol")); protocol {
	case "h2", "h2c":
		*a = append(*a, semconv.NetworkProtocolVersion("2"))
	case "http/1.1", "http/1.0":
		*a = append(*a, semconv.NetworkProtocolVersion(protocol[len("http/"):]))
	}
}

// parseTarget parses the URL of a request, or the authority that a CONNECT names alone.
func parseTarget(text string) *url.URL {
	if !strings.ContainsAny(text, "/?#") {
		return &url.URL{Host: text}
	}
	u, err := url.Parse(redact.Parseable(text))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// outcome adds how a request went.
func (x *Exporter) outcome(a *attributes) {
	e := &x.event
	a.number(semconv.HTTPResponseStatusCodeKey, e.Get("status"))
	if !e.Is("request_bytes", "0") {
		a.number(semconv.HTTPRequestBodySizeKey, e.Get("request_bytes"))
	}
	a.number(semconv.HTTPResponseBodySizeKey, e.Get("response_bytes"))
	if attempt, ok := scan.Integer(e.Within("retry", "attempt")); ok && attempt > 1 {
		*a = append(*a, semconv.HTTPRequestResendCount(int(attempt-1)))
	}
	if kind := errorType(e, x.isServer()); kind != "" {
		*a = append(*a, semconv.ErrorTypeKey.String(kind))
	}
	a.text("h2trace.conn", e.Text("conn"))
	a.number("h2trace.stream", e.Get("stream"))
	a.millis("h2trace.wait_ms", e.Get("wait_ms"))
	a.millis("h2trace.receive_ms", e.Get("receive_ms"))
	if module := e.Get("module"); scan.Known(module) {
		a.text("h2trace.module.path", scan.Text(scan.Member(module, "path")))
		a.text("h2trace.module.version", scan.Text(scan.Member(module, "version")))
		a.text("h2trace.module.kind", scan.Text(scan.Member(module, "kind")))
	}
	if e.Is("open", "true") {
		*a = append(*a, attribute.Bool("h2trace.open", true))
	}
}

// errorType returns error.type: the status, if that is an error for this side, or the class of
// what happened instead of a response.
func errorType(e *scan.Object, server bool) string {
	class := e.Within("error", "class")
	switch {
	case !scan.Known(class):
		return ""
	case scan.Is(class, "http_4xx") && server: // it is the client that was wrong
		return ""
	case scan.Is(class, "http_4xx"), scan.Is(class, "http_5xx"):
		return string(e.Get("status"))
	}
	return scan.Text(class)
}

// verdict returns the status of the span, with a text where http.response.status_code does not say
// it.
func verdict(e *scan.Object, server bool) (codes.Code, string) {
	kind := errorType(e, server)
	switch {
	case kind == "":
		return codes.Unset, ""
	case bytes.Equal(e.Get("status"), []byte(kind)):
		return codes.Error, ""
	}
	return codes.Error, scan.Text(e.Within("error", "detail"))
}
