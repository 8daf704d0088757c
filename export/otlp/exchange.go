package otlp

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

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
	if role := e.Word("role"); len(role) > 0 { // the connection may be forgotten, or have been opened without one
		c.server = string(role) == "server"
	}
	start, known := x.starts.Parse(e.Get("start"))
	begin := time.Unix(0, start)
	if !known || begin.After(x.at) {
		begin = x.at
	}
	parent := x.parent(spanContext(e.Text("traceparent")), p, !c.server)
	method := e.Text("method")
	span := x.begin(spanNameOf(method), c.kind(), parent, begin, x.at)
	if span.context.IsSampled() {
		span.method(method)
		x.target(span, c)
		x.outcome(span, c)
		if !known {
			span.bool("h2trace.start_unknown", true)
		}
		if c.setup.IsValid() {
			span.link(c.setup)
		}
	}
	x.addStalls(span, c, begin)
	span.status(verdict(e, c.server))
	x.send(p)
}

// spanNameOf returns the name of a span for a method.
func spanNameOf(method string) string {
	if knownMethods[method] {
		return method
	}
	return "HTTP"
}

// method adds the method, if it was seen.
func (a *attributes) method(m string) {
	switch {
	case knownMethods[m]:
		a.textOrEmpty(semconv.HTTPRequestMethodKey, m)
	case m != "":
		a.textOrEmpty(semconv.HTTPRequestMethodKey, "_OTHER")
		a.textOrEmpty(semconv.HTTPRequestMethodOriginalKey, m)
	}
}

// target adds where a request goes.
func (x *Exporter) target(a *span, c *conn) {
	e := &x.event
	text := e.Text("url")
	o := x.originOf(text)
	a.text(semconv.ServerAddressKey, o.host)
	if o.port > 0 && o.host != "" {
		a.integer(semconv.ServerPortKey, int64(o.port))
	}
	if c.server {
		u := parseTarget(text)
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
		a.textOrEmpty(semconv.NetworkProtocolVersionKey, "2")
	case "http/1.1", "http/1.0":
		a.textOrEmpty(semconv.NetworkProtocolVersionKey, protocol[len("http/"):])
	}
}

// origin is where a request goes. The port is 0 if it is not known.
type origin struct {
	host string
	port int
}

// maxOrigins bounds the origins that are kept, and maxOrigin their length.
const (
	maxOrigins = 256
	maxOrigin  = 300
)

// originOf returns the origin of a URL, or the authority that a CONNECT names alone. Most requests
// go where others went.
func (x *Exporter) originOf(text string) origin {
	key := text
	if _, rest, ok := strings.Cut(text, "://"); ok {
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			key = text[:len(text)-len(rest)+end+1]
		}
	}
	if o, ok := x.origins[key]; ok {
		return o
	}
	u := parseTarget(key)
	o := origin{host: u.Hostname()}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	o.port, _ = strconv.Atoi(port)
	if len(x.origins) >= maxOrigins {
		clear(x.origins)
	}
	if len(key) <= maxOrigin {
		x.origins[strings.Clone(key)] = o
	}
	return o
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
func (x *Exporter) outcome(a *span, c *conn) {
	e := &x.event
	a.number(semconv.HTTPResponseStatusCodeKey, e.Get("status"))
	if !e.Is("request_bytes", "0") {
		a.number(semconv.HTTPRequestBodySizeKey, e.Get("request_bytes"))
	}
	a.number(semconv.HTTPResponseBodySizeKey, e.Get("response_bytes"))
	if attempt, ok := scan.Integer(e.Within("retry", "attempt")); ok && attempt > 1 {
		a.integer(semconv.HTTPRequestResendCountKey, attempt-1)
	}
	a.text(semconv.ErrorTypeKey, errorType(e, c.server))
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
		a.bool("h2trace.open", true)
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

// verdict returns whether the span is one of an error, with a text where
// http.response.status_code does not say it.
func verdict(e *scan.Object, server bool) (failed bool, text string) {
	kind := errorType(e, server)
	switch {
	case kind == "":
		return false, ""
	case bytes.Equal(e.Get("status"), []byte(kind)):
		return true, ""
	}
	return true, scan.Text(e.Within("error", "detail"))
}
