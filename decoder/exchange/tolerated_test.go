package exchange

import (
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
)

// then has more follow a response on stream 1 that does not end it.
func then(more func(*peers), fields ...string) func(*peers) {
	return func(p *peers) {
		answer(false, fields...)(p)
		more(p)
	}
}

// tunnel has a server take CONNECT, and more follow.
func tunnel(more func(*peers), fields ...string) func(*peers) {
	return func(p *peers) {
		p.headers(10, send, 1, true, ":method=CONNECT", ":authority=a:443")
		p.headers(20, recv, 1, false, fields...)
		more(p)
	}
}

func fourBytes(p *peers) { p.data(21, recv, 1, 4, true) }

func trailer(field string) func(*peers) {
	return func(p *peers) { p.headers(21, recv, 1, true, field) }
}

const (
	noLength = "HEADERS: content-length is in a response that has no content (RFC 9110 §8.6)"
	noHost   = "HEADERS: request for an http or https URI names no host (RFC 9110 §4.2.1, §7.2)"
	noTarget = "HEADERS: :path or :authority has a character that none may have (RFC 9113 §8.3.1)"
	inHead   = "HEADERS: trailers have a field that is only for the header section (RFC 9110 §6.5.1)"
)

// TestToleratedMessages has faults that net/http accepts. The frame has the rule, and the exchange
// succeeds.
func TestToleratedMessages(t *testing.T) {
	for _, tt := range []fault{
		{"content of 204", then(fourBytes, ":status=204"), "DATA: the response 204 has content or trailers (RFC 9110 §15.3.5)"},
		{"content of 304", then(fourBytes, ":status=304", "content-length=4"), "DATA: the response 304 has content or trailers (RFC 9110 §15.4.5)"},
		{"trailers of 204", then(trailer("x-sum=1"), ":status=204"), "HEADERS: the response 204 has content or trailers (RFC 9110 §15.3.5)"},
		{"trailers of 304", then(trailer("x-sum=1"), ":status=304"), "HEADERS: the response 304 has content or trailers (RFC 9110 §15.4.5)"},
		{"length of 204", answer(true, ":status=204", "content-length=10"), noLength},
		{"length of 103", then(func(p *peers) { p.ok(21, 1, true) }, ":status=103", "content-length=10"), noLength},
		{"length of a tunnel", tunnel(fourBytes, ":status=200", "content-length=10"), noLength},
		{"trailers of a tunnel", tunnel(trailer("x-sum=1"), ":status=200"), "HEADERS: HEADERS is on a stream that CONNECT has made a tunnel (RFC 9113 §8.5)"},
		{"length in trailers", then(trailer("content-length=0"), ":status=200"), inHead},
		{"host in trailers", func(p *peers) {
			p.post(10, 1, "/")
			p.headers(11, send, 1, true, "host=a")
			p.ok(20, 1, true)
		}, inHead},
		{"no authority", requested(":method=GET", ":scheme=https", ":path=/"), noHost},
		{"empty authority and a host", requested(":method=GET", ":scheme=https", ":authority=", ":path=/", "host=a"), noHost},
		{"empty host", requested(":method=GET", ":scheme=http", ":path=/", "host="), noHost},
		{"host alone", requested(":method=GET", ":scheme=https", ":path=/", "host=a"), ""},
		{"fragment", requested(":method=GET", ":scheme=https", ":authority=a", ":path=/b#c"), noTarget},
		{"space in a path", requested(":method=GET", ":scheme=https", ":authority=a", ":path=/b c"), noTarget},
		{"path in an authority", requested(":method=GET", ":scheme=https", ":authority=a/b", ":path=/"), noTarget},
	} {
		for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
			j := judged(t, role, tt.do)
			if got := only(j.broken); got != tt.want || j.exchanges[0].Error != nil {
				t.Errorf("%s: broken %q, want %q; the exchange has %v", tt.name, j.broken, tt.want, j.exchanges[0].Error)
			}
		}
	}
}

// only returns the rule that is broken, if one is.
func only(broken []string) string {
	switch len(broken) {
	case 0:
		return ""
	case 1:
		return broken[0]
	}
	return "several"
}

func leaves(d decoder.Direction, last ...uint32) func(*peers) {
	return func(p *peers) {
		asks(p, "GET")
		for _, id := range last {
			p.say(11, d, func(f *http2.Framer) error { return f.WriteGoAway(id, http2.ErrCodeNo, nil) })
		}
		p.ok(20, 1, true)
	}
}

// announces has the server announce settings after its first, which say nothing.
func announces(list ...http2.Setting) func(*peers) {
	return func(p *peers) {
		for _, s := range list {
			p.say(9, recv, func(f *http2.Framer) error { return f.WriteSettings(s) })
		}
		with()(p)
	}
}

func prioritizes(id byte) func(*peers) {
	return func(p *peers) {
		asks(p, "GET")
		p.promise(11, 1, 2, ":method=GET", ":scheme=https", ":authority=a", ":path=/b")
		p.say(12, send, func(f *http2.Framer) error {
			return f.WriteRawFrame(http2.FrameType(decoder.TypePriorityUpdate), 0, 0, []byte{0, 0, 0, id, 'u'})
		})
		p.ok(20, 1, true)
		p.ok(20, 2, true)
	}
}

// promisedOn has the server promise a request on a stream.
func promisedOn(id uint32, before func(*peers)) func(*peers) {
	return func(p *peers) {
		before(p)
		p.promise(30, id, 8, ":method=GET", ":scheme=https", ":authority=a", ":path=/b")
	}
}

const (
	grows     = "GOAWAY: GOAWAY names a higher last stream than one before (RFC 9113 §6.8)"
	notParent = "PUSH_PROMISE: PUSH_PROMISE is on a stream that is not open for it (RFC 9113 §6.6)"
)

// TestStates has frames that what was sent before forbids, and others that it does not.
func TestStates(t *testing.T) {
	priorities := func(v uint32) http2.Setting { return http2.Setting{ID: 9, Val: v} }
	for _, tt := range []fault{
		{"last stream grows", leaves(recv, 1, 3), grows},
		{"of a client", leaves(send, 0, 2), grows},
		{"beyond the least", leaves(recv, 1<<31-1, 1, 1, 3), grows},
		{"last stream falls", leaves(recv, 1<<31-1, 5, 5, 1), ""},
		{"CONNECT that is refused, with trailers", tunnel(func(p *peers) {
			p.data(21, recv, 1, 3, false)
			p.headers(22, recv, 1, true, "x-sum=1")
		}, ":status=407", "content-length=3"), ""},
		{"extended CONNECT no more", announces(connectProtocol(1), connectProtocol(0)), "SETTINGS: ENABLE_CONNECT_PROTOCOL is 0 after 1 (RFC 8441 §3)"},
		{"extended CONNECT later", announces(connectProtocol(0), connectProtocol(1), connectProtocol(1)), ""},
		{"priorities later", announces(priorities(0), priorities(1)), "SETTINGS: NO_RFC7540_PRIORITIES differs from that of the first SETTINGS (RFC 9218 §2.1)"},
		{"priorities again", announces(priorities(0), priorities(0)), ""},
		{"priority of an idle push", prioritizes(4), "PRIORITY_UPDATE: PRIORITY_UPDATE names a push stream that is idle (RFC 9218 §7.1)"},
		{"priority of a push", prioritizes(2), ""},
		{"priority of an idle request", prioritizes(9), ""},
		{"promise after the end", promisedOn(1, with()), notParent},
		{"promise after a reset", promisedOn(1, func(p *peers) {
			asks(p, "GET")
			p.reset(11, recv, 1, http2.ErrCodeCancel)
		}), notParent},
		{"promise that crosses a reset", promisedOn(1, func(p *peers) {
			asks(p, "GET")
			p.reset(11, send, 1, http2.ErrCodeCancel)
		}), ""},
		{"promise on a push", promisedOn(2, func(p *peers) {
			asks(p, "GET")
			p.promise(11, 1, 2, ":method=GET", ":scheme=https", ":authority=a", ":path=/b")
			p.ok(12, 2, false)
		}), notParent},
		{"promise on an idle stream", promisedOn(5, with()), "PUSH_PROMISE: frame is for an idle stream (RFC 9113 §5.1)"},
	} {
		for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
			if j := judged(t, role, tt.do); only(j.broken) != tt.want {
				t.Errorf("%s: broken %q, want %q", tt.name, j.broken, tt.want)
			}
		}
	}
}
