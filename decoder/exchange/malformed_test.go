package exchange

import (
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
)

func connectProtocol(value uint32) http2.Setting {
	return http2.Setting{ID: 0x8, Val: value}
}

// allowed has the server allow extended CONNECT (RFC 8441 §3).
func allowed(p *peers) {
	p.say(9, recv, func(f *http2.Framer) error { return f.WriteSettings(connectProtocol(1)) })
	p.say(9, send, func(f *http2.Framer) error { return f.WriteSettingsAck() })
}

// with is a request with more fields.
func with(fields ...string) func(*peers) {
	return requested(append([]string{":method=GET", ":scheme=https", ":authority=a", ":path=/"}, fields...)...)
}

// promised has the server promise a request.
func promised(fields ...string) func(*peers) {
	return func(p *peers) {
		asks(p, "GET")
		p.promise(11, 1, 2, append([]string{":scheme=https", ":authority=a", ":path=/b"}, fields...)...)
		p.ok(20, 2, true)
	}
}

var malformedRequests = []fault{
	{"method twice", requested(":method=GET", ":method=GET", ":scheme=https", ":path=/"), "HEADERS: pseudo-header field comes twice (RFC 9113 §8.3, §8.3.1)"},
	{"empty method", requested(":method=", ":scheme=https", ":authority=a", ":path=/"), "HEADERS: :method, :scheme or the :authority of CONNECT is empty (RFC 9113 §8.3.1)"},
	{"empty scheme", requested(":method=GET", ":scheme=", ":authority=a", ":path=/"), "HEADERS: :method, :scheme or the :authority of CONNECT is empty (RFC 9113 §8.3.1)"},
	{"CONNECT to an empty authority", requested(":method=CONNECT", ":authority="), "HEADERS: :method, :scheme or the :authority of CONNECT is empty (RFC 9113 §8.3.1)"},
	{"path without a slash", requested(":method=GET", ":scheme=https", ":authority=a", ":path=b"), "HEADERS: :path begins with no / (RFC 9113 §8.3.1)"},
	{"absolute path", requested(":method=GET", ":scheme=http", ":authority=a", ":path=http://a/"), "HEADERS: :path begins with no / (RFC 9113 §8.3.1)"},
	{"protocol without CONNECT", func(p *peers) {
		allowed(p)
		requested(":method=GET", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/")(p)
	}, "HEADERS: :protocol is in a request other than CONNECT (RFC 8441 §4)"},
	{"extended CONNECT without the setting", requested(":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/"), "HEADERS: :protocol though ENABLE_CONNECT_PROTOCOL is not 1 (RFC 8441 §3)"},
	{"scheme with a colon", requested(":method=GET", ":scheme=https:", ":authority=a", ":path=/"), "HEADERS: :scheme is no scheme of a URI (RFC 9113 §8.3.1)"},
	{"scheme of digits", requested(":method=GET", ":scheme=9p", ":authority=a", ":path=/"), "HEADERS: :scheme is no scheme of a URI (RFC 9113 §8.3.1)"},
	{"promised POST", promised(":method=POST"), "PUSH_PROMISE: promised request is not safe and cacheable (RFC 9113 §8.4)"},
	{"promised content", promised(":method=GET", "content-length=3"), "PUSH_PROMISE: promised request has content (RFC 9113 §8.4)"},
}

var malformedFields = []fault{
	{"no token", with("a(b=x"), "HEADERS: field name is no token (RFC 9110 §5.1)"},
	{"octet over 0x7f in a name", with("caf\xe9=x"), "HEADERS: field name has a character that none may have (RFC 9113 §8.2.1)"},
	{"control character", with("x=a\x01b"), "HEADERS: field value has a control character (RFC 9110 §5.5)"},
	{"DEL after many", with("x=" + strings.Repeat("long ", 10) + "\x7f!"), "HEADERS: field value has a control character (RFC 9110 §5.5)"},
	{"NUL after many", with("x=" + strings.Repeat("\xfflong\t", 10) + "\x00"), "HEADERS: field value has NUL, CR or LF (RFC 9113 §8.2.1)"},
	{"line break in a path", requested(":method=GET", ":scheme=https", ":authority=a", ":path=/\r\nx: y"), "HEADERS: field value has NUL, CR or LF (RFC 9113 §8.2.1)"},
	{"line break in trailers", func(p *peers) {
		answer(false, ":status=200")(p)
		p.headers(21, recv, 1, true, "x=\n")
	}, "HEADERS: field value has NUL, CR or LF (RFC 9113 §8.2.1)"},
}

// TestToleratedRequests has requests with faults that net/http accepts.
func TestToleratedRequests(t *testing.T) {
	for want, do := range map[string]func(*peers){
		"host differs from :authority (RFC 9113 §8.3.1)":                with("host=b"),
		":authority has userinfo (RFC 9113 §8.3.1)":                     requested(":method=GET", ":scheme=https", ":authority=u:p@a", ":path=/"),
		":path is * in a request other than OPTIONS (RFC 9113 §8.3.1)":  requested(":method=GET", ":scheme=https", ":authority=a", ":path=*"),
		"field is specific to a connection of HTTP/1 (RFC 9113 §8.2.2)": with("connection=close", "host=b"),
		"content-length is not one number (RFC 9110 §8.6)":              with("content-length=0", "content-length=1"),
		"response has status 101 (RFC 9113 §8.6)":                       func(p *peers) { answer(false, ":status=101")(p); p.ok(21, 1, true) },
		"field value begins or ends with white space (RFC 9113 §8.2.1)": with("x= y"),
		":method is no token (RFC 9110 §9.1)":                           requested(":method=GE T", ":scheme=https", ":authority=a", ":path=/"),
	} {
		for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
			j := judged(t, role, do)
			if len(j.broken) != 1 || j.broken[0] != "HEADERS: "+want || j.exchanges[0].Error != nil {
				t.Errorf("broken %q, want %s; the exchange has %v", j.broken, want, j.exchanges[0].Error)
			}
		}
	}
}

// TestTrailersAfterReset has a request whose trailers cross the reset of the server. They are
// trailers, not another request.
func TestTrailersAfterReset(t *testing.T) {
	for fields, want := range map[string]string{
		"x-sum=1":     "",
		":method=GET": "HEADERS: pseudo-header field is in trailers (RFC 9113 §8.3)",
	} {
		j := judged(t, decoder.Server, func(p *peers) {
			p.headers(10, send, 1, false, ":method=POST", ":scheme=https", ":authority=a", ":path=/")
			p.headers(20, recv, 1, true, ":status=200")
			p.say(21, recv, func(f *http2.Framer) error { return f.WriteRSTStream(1, http2.ErrCodeNo) })
			p.headers(22, send, 1, true, fields)
		})
		if got := strings.Join(j.broken, " "); got != want {
			t.Errorf("%s: broken %q, want %q", fields, got, want)
		}
	}
}
