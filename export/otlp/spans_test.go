package otlp

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"h2trace/export/otlp/otlptest"
)

// sent returns the spans of lines, and what became of all.
func sent(t *testing.T, o func(*Options), lines ...string) ([]otlptest.Span, Totals) {
	t.Helper()
	c := otlptest.Start(t, nil)
	endpoint, err := ParseEndpoint(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Endpoint: endpoint, Version: "v1", Host: "builder-7", Say: t.Logf, Getenv: environment()}
	if o != nil {
		o(&opts)
	}
	x, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		x.Line([]byte(line))
	}
	totals := x.Close(30 * time.Second)
	return c.Spans(), totals
}

// named returns the span of a name, which is the only one.
func named(t *testing.T, spans []otlptest.Span, name string) otlptest.Span {
	t.Helper()
	var found []otlptest.Span
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans are named %q", len(found), name)
	}
	return found[0]
}

const (
	execLine = `{"v":1,"ts":"2026-11-30T12:00:00.000000000Z","event":"process","pid":7,"comm":"client","action":"exec","ppid":1,"exe":"/usr/bin/client"}`
	openLine = `{"v":1,"ts":"2026-11-30T12:00:01.000000000Z","event":"conn","pid":7,"comm":"client","conn":"c1","action":"open","local":"10.0.0.1:40000","remote":"10.0.0.2:443","role":"client",` +
		`"protocol":"h2","joined":"start","tls":{"version":"TLS 1.3","alpn":"h2","sni":"shop.example","resumed":false,"cipher":"TLS_AES_128_GCM_SHA256"},` +
		`"dns_ms":10.000,"connect_ms":20.000,"tls_ms":30.000,"name":"shop.example","via":null,"source":"wire"}`
	exchangeHead = `{"v":1,"ts":"2026-11-30T12:00:02.000000001Z","event":"exchange","pid":7,"comm":"client","conn":"c1","stream":1,`
	exchangeTail = `,"start":"2026-11-30T12:00:01.500000000Z","retry":null,"via":null}`
	lookupLine   = `{"v":1,"ts":"2026-11-30T12:00:00.975000000Z","event":"conn","pid":7,"comm":"client","action":"dns","role":"client","protocol":"dns","dns_ms":9.000,"name":"shop.example","type":"A"}`
	traceID      = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID     = "00f067aa0ba902b7"
)

// exchangeLine returns an exchange with the keys between stream and start.
func exchangeLine(keys string) string { return exchangeHead + keys + exchangeTail }

const okKeys = `"method":"GET","url":"https://shop.example/cart?id=7","status":200,"protocol":"h2","reused":false,"request_bytes":0,"response_bytes":12,"wait_ms":400.000,"receive_ms":100.000,"error":null`

// TestExchange has the attributes of the conventions (OpenTelemetry, HTTP spans) on both sides.
func TestExchange(t *testing.T) {
	asServer := strings.Replace(strings.Replace(openLine, `"role":"client"`, `"role":"server"`, 1), `"dns_ms":10.000,"connect_ms":20.000,`, `"dns_ms":null,"connect_ms":null,`, 1)
	failed := func(class, detail string) string {
		return strings.Replace(okKeys, `"error":null`, `"error":{"class":"`+class+`","detail":"`+detail+`"}`, 1)
	}
	status := func(keys, code string) string { return strings.Replace(keys, `"status":200`, `"status":`+code, 1) }
	tests := []struct {
		name, open, keys string
		span             string
		kind             trace.Span_SpanKind
		status           trace.Status_StatusCode
		message          string
		want             map[string]any // the attributes that it has, nil for those that it has not
	}{
		{"client", openLine, okKeys, "GET", trace.Span_SPAN_KIND_CLIENT, 0, "", map[string]any{
			"http.request.method": "GET", "url.full": "https://shop.example/cart?id=7", "server.address": "shop.example", "server.port": int64(443),
			"http.response.status_code": int64(200), "network.protocol.version": "2",
			"network.peer.address": "10.0.0.2", "network.peer.port": int64(443), "http.response.body.size": int64(12),
			"error.type": nil, "http.request.resend_count": nil, "url.path": nil, "h2trace.wait_ms": 400.0, "h2trace.conn": "c1",
		}},
		{"server", asServer, okKeys, "GET", trace.Span_SPAN_KIND_SERVER, 0, "", map[string]any{
			"url.full": nil, "url.scheme": "https", "url.path": "/cart", "url.query": "id=7", "client.address": "10.0.0.2", "client.port": int64(443),
			"server.address": "shop.example", "server.port": int64(443),
		}},
		{"server by its exchange", lookupLine, okKeys + `,"role":"server"`, "GET", trace.Span_SPAN_KIND_SERVER, 0, "", map[string]any{
			"url.full": nil, "url.scheme": "https", "url.path": "/cart",
		}},
		{
			"client gets 404", openLine, status(failed("http_4xx", "404 Not Found"), "404"), "GET", trace.Span_SPAN_KIND_CLIENT, trace.Status_STATUS_CODE_ERROR, "",
			map[string]any{"error.type": "404", "http.response.status_code": int64(404)},
		},
		{
			"server says 404", asServer, status(failed("http_4xx", "404 Not Found"), "404"), "GET", trace.Span_SPAN_KIND_SERVER, 0, "",
			map[string]any{"error.type": nil, "http.response.status_code": int64(404)},
		},
		{
			"server says 503", asServer, status(failed("http_5xx", ""), "503"), "GET", trace.Span_SPAN_KIND_SERVER, trace.Status_STATUS_CODE_ERROR, "",
			map[string]any{"error.type": "503"},
		},
		{
			"reset", openLine, status(failed("reset", "REFUSED_STREAM"), "null"), "GET", trace.Span_SPAN_KIND_CLIENT, trace.Status_STATUS_CODE_ERROR, "REFUSED_STREAM",
			map[string]any{"error.type": "reset", "http.response.status_code": nil},
		},
		{
			"reset after status 200", openLine, failed("reset", "INTERNAL_ERROR"), "GET", trace.Span_SPAN_KIND_CLIENT, trace.Status_STATUS_CODE_ERROR, "INTERNAL_ERROR",
			map[string]any{"error.type": "reset", "http.response.status_code": int64(200)},
		},
		{
			"strange method", openLine, strings.Replace(okKeys, "GET", "GE\\u001bT", 1), "HTTP", trace.Span_SPAN_KIND_CLIENT, 0, "",
			map[string]any{"http.request.method": "_OTHER", "http.request.method_original": "GE\x1bT"},
		},
		{
			"request not seen", openLine, `"method":null,"url":null,"status":200,"protocol":"h2","error":null`, "HTTP", trace.Span_SPAN_KIND_CLIENT, 0, "",
			map[string]any{"http.request.method": nil, "url.full": nil, "server.address": nil},
		},
		{
			"connect", openLine, strings.Replace(strings.Replace(okKeys, "GET", "CONNECT", 1), "https://shop.example/cart?id=7", "db.example:5432", 1), "CONNECT", trace.Span_SPAN_KIND_CLIENT, 0, "",
			map[string]any{"server.address": "db.example", "server.port": int64(5432)},
		},
		{
			"HTTP/1.1", openLine, strings.Replace(okKeys, `"h2"`, `"http/1.1"`, 1), "GET", trace.Span_SPAN_KIND_CLIENT, 0, "",
			map[string]any{"network.protocol.version": "1.1"},
		},
		{
			"module", openLine, okKeys + `,"module":{"path":"golang.org/x/text","version":"v0.3.0","kind":"zip","proxy":null}`, "GET", trace.Span_SPAN_KIND_CLIENT, 0, "",
			map[string]any{"h2trace.module.path": "golang.org/x/text", "h2trace.module.version": "v0.3.0", "h2trace.module.kind": "zip"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spans, _ := sent(t, nil, execLine, tt.open, exchangeLine(tt.keys))
			s := named(t, spans, tt.span)
			if s.Kind != tt.kind || s.Status.GetCode() != tt.status || s.Status.GetMessage() != tt.message {
				t.Errorf("kind %v, status %v", s.Kind, s.Status)
			}
			for key, want := range tt.want {
				if got := s.Attributes[key]; got != want {
					t.Errorf("%s is %v, want %v", key, got, want)
				}
			}
			if begin, end := time.Unix(0, int64(s.StartTimeUnixNano)), time.Unix(0, int64(s.EndTimeUnixNano)); begin.UTC().Format(time.RFC3339Nano) != "2026-11-30T12:00:01.5Z" ||
				end.UTC().Format(time.RFC3339Nano) != "2026-11-30T12:00:02.000000001Z" {
				t.Errorf("from %v to %v", begin, end)
			}
		})
	}
}

// TestRetry counts how often a request was sent before.
func TestRetry(t *testing.T) {
	line := strings.Replace(exchangeLine(okKeys), `"retry":null`, `"retry":{"attempt":3,"conn":"c1","stream":5,"class":"reset"}`, 1)
	spans, _ := sent(t, nil, line)
	if got := named(t, spans, "GET").Attributes["http.request.resend_count"]; got != int64(2) {
		t.Errorf("got %v, want 2", got)
	}
}

// TestSetup has the span of a connection with its phases, and the exchange linked with it.
func TestSetup(t *testing.T) {
	spans, _ := sent(t, nil, execLine, lookupLine, openLine, exchangeLine(okKeys))
	setup := named(t, spans, "HTTP connection_setup shop.example:443")
	base, err := time.Parse(time.RFC3339, "2026-11-30T12:00:01Z")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s otlptest.Span) [2]time.Duration {
		return [2]time.Duration{time.Unix(0, int64(s.StartTimeUnixNano)).Sub(base), time.Unix(0, int64(s.EndTimeUnixNano)).Sub(base)}
	}
	const ms = time.Millisecond
	for name, want := range map[string][2]time.Duration{
		"HTTP connection_setup shop.example:443": {-35 * ms, 30 * ms},
		"DNS lookup shop.example":                {-35 * ms, -25 * ms},
		"socket connect 10.0.0.2:443":            {-20 * ms, 0},
		"TLS handshake":                          {0, 30 * ms},
	} {
		s := named(t, spans, name)
		if at(s) != want {
			t.Errorf("%s: %v, want %v", name, at(s), want)
		}
		if s.Name != setup.Name && (string(s.ParentSpanId) != string(setup.SpanId) || string(s.TraceId) != string(setup.TraceId)) {
			t.Errorf("%s is no child of the setup", name)
		}
	}
	get := named(t, spans, "GET")
	if len(get.Links) != 1 || string(get.Links[0].SpanId) != string(setup.SpanId) || string(get.Links[0].TraceId) != string(setup.TraceId) || len(get.ParentSpanId) > 0 {
		t.Errorf("links %v, parent %x", get.Links, get.ParentSpanId)
	}
	tls := named(t, spans, "TLS handshake").Attributes
	if diff := cmp.Diff(map[string]any{
		"server.address": "shop.example", "tls.cipher": "TLS_AES_128_GCM_SHA256", "tls.next_protocol": "h2",
		"tls.protocol.name": "tls", "tls.protocol.version": "1.3", "tls.resumed": false,
	}, tls); diff != "" {
		t.Error(diff)
	}
}

// TestFailedSetup has connections that fail in each phase: the span of that has the error, too.
func TestFailedSetup(t *testing.T) {
	head := `{"v":1,"ts":"2026-11-30T12:00:01.000000000Z","event":"conn","pid":7,"comm":"client","action":"failed","local":null,"remote":"10.0.0.2:443","role":"client","name":"shop.example",`
	for class, tt := range map[string]struct{ keys, child string }{
		"dns":     {`"dns_ms":5.000,"connect_ms":null,"tls_ms":null`, "DNS lookup shop.example"},
		"connect": {`"dns_ms":5.000,"connect_ms":7.000,"tls_ms":null`, "socket connect 10.0.0.2:443"},
		"tls":     {`"dns_ms":5.000,"connect_ms":7.000,"tls_ms":9.000`, "TLS handshake"},
	} {
		t.Run(class, func(t *testing.T) {
			spans, _ := sent(t, nil, head+tt.keys+`,"error":{"class":"`+class+`","detail":"it is late"}}`)
			for _, name := range []string{tt.child, "HTTP connection_setup shop.example:443"} {
				s := named(t, spans, name)
				if s.Status.GetCode() != trace.Status_STATUS_CODE_ERROR || s.Status.GetMessage() != "it is late" || s.Attributes["error.type"] != class {
					t.Errorf("%s has status %v, error.type %v", name, s.Status, s.Attributes["error.type"])
				}
				if end := time.Unix(0, int64(s.EndTimeUnixNano)).UTC().Format(time.RFC3339Nano); end != "2026-11-30T12:00:01Z" {
					t.Errorf("%s ends at %s", name, end)
				}
			}
		})
	}
}

// TestStalls has the stalls of a stream and of its connection, but of no other.
func TestStalls(t *testing.T) {
	stall := func(stream, start, ms string) string {
		return `{"v":1,"ts":"2026-11-30T12:00:01.900000000Z","event":"stall","pid":7,"comm":"client","conn":"c1","stream":` + stream +
			`,"side":"recv_window","window":65535,"start":"2026-11-30T12:00:01.` + start + `Z","stall_ms":` + ms + `,"ended_by":"WINDOW_UPDATE"}`
	}
	spans, _ := sent(t, nil, openLine,
		stall("0", "400000000", "50.000"), stall("0", "450000000", "100.000"), stall("1", "600000000", "25.000"), stall("3", "700000000", "25.000"), exchangeLine(okKeys))
	var got []string
	for _, e := range named(t, spans, "GET").Events {
		a := otlptest.Attributes(e.Attributes)
		if e.Name != "h2trace.stall" || a["h2trace.stall.side"] != "recv_window" || a["h2trace.stall.window"] != int64(65535) || a["h2trace.stall.ended_by"] != "WINDOW_UPDATE" {
			t.Errorf("%s %v", e.Name, a)
		}
		b, err := json.Marshal([]any{time.Unix(0, int64(e.TimeUnixNano)).UTC().Format("05.000"), a["h2trace.stall.scope"], a["h2trace.stall.duration_ms"]})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	want := []string{`["01.450","connection",100]`, `["01.600","stream",25]`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestParents has each place from which a parent can come.
func TestParents(t *testing.T) {
	const other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	of := func(line, traceparent string) string {
		return strings.TrimSuffix(line, "}") + `,"traceparent":"` + traceparent + `"}`
	}
	mine := "00-" + traceID + "-" + parentID + "-01"
	command := func(o *Options) { o.Command = "make" }
	tests := []struct {
		name   string
		o      func(*Options)
		lines  []string
		parent string // of GET: an id, "" for none, or the name of a span
		trace  string
		spans  int
	}{
		{"none", nil, []string{execLine, exchangeLine(okKeys)}, "", "", 1},
		{"request", nil, []string{execLine, of(exchangeLine(okKeys), mine)}, parentID, traceID, 1},
		{"environment", nil, []string{of(execLine, mine), exchangeLine(okKeys)}, parentID, traceID, 1},
		{"request before environment", nil, []string{of(execLine, other), of(exchangeLine(okKeys), mine)}, parentID, traceID, 1},
		{"environment before run", command, []string{of(execLine, mine), exchangeLine(okKeys)}, parentID, traceID, 1},
		{"run", command, []string{execLine, exchangeLine(okKeys)}, "make", "", 2},
		{"environment ends at the next exec", nil, []string{of(execLine, mine), execLine, exchangeLine(okKeys)}, "", "", 1},
		{"not sampled", nil, []string{execLine, of(exchangeLine(okKeys), strings.TrimSuffix(mine, "1")+"0")}, "", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spans, totals := sent(t, tt.o, tt.lines...)
			if len(spans) != tt.spans || totals.Spans.Sent != uint64(tt.spans) {
				t.Fatalf("%d spans, totals %+v", len(spans), totals)
			}
			if tt.spans == 0 {
				if totals.Unsampled != 1 {
					t.Errorf("totals %+v", totals)
				}
				return
			}
			get := named(t, spans, "GET")
			want := tt.parent
			if tt.parent == "make" {
				want = hex.EncodeToString(named(t, spans, "make").SpanId)
			}
			if got := hex.EncodeToString(get.ParentSpanId); got != want {
				t.Errorf("parent %q, want %q", got, want)
			}
			if got := hex.EncodeToString(get.TraceId); tt.trace != "" && got != tt.trace {
				t.Errorf("trace %q, want %q", got, tt.trace)
			}
		})
	}
}

// TestResource has what the events say of a process, and what environments do.
func TestResource(t *testing.T) {
	attached := `{"v":1,"ts":"2026-11-30T12:00:00.100000000Z","event":"process","pid":7,"comm":"client","action":"attached","exe":"/usr/bin/client","go_version":"go1.26.8","container":"0123abcd"}`
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ci,service.name=mine")
	for service, lines := range map[string][]string{
		"mine":     {execLine, attached, exchangeLine(okKeys)},
		"checkout": {strings.TrimSuffix(execLine, "}") + `,"service_name":"checkout"}`, attached, exchangeLine(okKeys)},
	} {
		spans, _ := sent(t, nil, lines...)
		want := map[string]any{
			"service.name": service, "process.pid": int64(7), "process.executable.path": "/usr/bin/client", "process.executable.name": "client",
			"process.runtime.name": "go", "process.runtime.version": "go1.26.8", "container.id": "0123abcd", "host.name": "builder-7",
			"deployment.environment.name": "ci", "os.type": "linux", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go",
		}
		if diff := cmp.Diff(want, spans[0].Resource); diff != "" {
			t.Errorf("%s (-want +got):\n%s", service, diff)
		}
	}
}

// TestRecording holds each span of a recorded download against its event.
func TestRecording(t *testing.T) {
	lines := recording(t)
	spans, totals := sent(t, nil, lines...)
	if totals.Spans != (Counts{Sent: spansInRecording}) || len(spans) != spansInRecording {
		t.Fatalf("%d spans, totals %+v", len(spans), totals)
	}
	byStart := make(map[string]otlptest.Span)
	for _, s := range spans {
		if s.Kind == trace.Span_SPAN_KIND_CLIENT {
			byStart[s.Attributes["h2trace.conn"].(string)+time.Unix(0, int64(s.StartTimeUnixNano)).UTC().Format(time.RFC3339Nano)] = s
		}
	}
	exchanges := 0
	for _, line := range lines {
		var e struct {
			Event, Conn, Method, URL string
			TS, Start                time.Time
			Status                   int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Event != "exchange" {
			continue
		}
		exchanges++
		s, ok := byStart[e.Conn+e.Start.Format(time.RFC3339Nano)]
		if !ok || s.Name != e.Method || s.Attributes["url.full"] != e.URL || s.Attributes["http.response.status_code"] != e.Status ||
			int64(s.EndTimeUnixNano) != e.TS.UnixNano() || len(s.Links) != 1 {
			t.Errorf("%s\nis %v", line, s)
		}
	}
	if exchanges == 0 || exchanges != len(byStart) {
		t.Errorf("%d exchanges, %d spans of clients", exchanges, len(byStart))
	}
}
