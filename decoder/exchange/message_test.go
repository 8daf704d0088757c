package exchange

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// judge records the broken rules, and exchanges.
type judge struct {
	whole
	broken []string
}

func (j *judge) Frame(f *decoder.Frame) {
	if f.Violation != nil {
		j.broken = append(j.broken, f.Type.String()+": "+f.Violation.Rule)
	}
	j.tracker.Frame(f)
}

func (p *peers) promise(at ktime.Time, id, promised uint32, fields ...string) {
	p.encode(recv, fields)
	p.say(at, recv, func(f *http2.Framer) error {
		return f.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: promised, BlockFragment: p.block.Bytes(), EndHeaders: true})
	})
}

func (p *peers) promiseInTwo(at ktime.Time, id, promised uint32, fields ...string) {
	p.encode(recv, fields)
	p.say(at, recv, func(f *http2.Framer) error {
		return f.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: promised, BlockFragment: p.block.Bytes()[:1]})
	})
	p.say(at, recv, func(f *http2.Framer) error { return f.WriteContinuation(id, true, p.block.Bytes()[1:]) })
}

// asks sends a complete request with a method on stream 1.
func asks(p *peers, method string) {
	p.headers(10, send, 1, true, ":method="+method, ":scheme=https", ":authority=goproxy.example", ":path=/a")
}

// answer sends a response on stream 1.
func answer(end bool, fields ...string) func(*peers) {
	return func(p *peers) {
		asks(p, "GET")
		p.headers(20, recv, 1, end, fields...)
	}
}

// requested sends a request, and has it answered.
func requested(fields ...string) func(*peers) {
	return func(p *peers) {
		p.headers(10, send, 1, true, fields...)
		p.ok(20, 1, true)
	}
}

// fault is a message that breaks a rule.
type fault struct {
	name string
	do   func(*peers)
	want string // the rule, and the type of the violating frame
}

var malformedMessages = []fault{
	{"short body", func(p *peers) {
		answer(false, ":status=200", "content-length=10000")(p)
		p.data(21, recv, 1, 4000, true)
	}, "DATA: content-length is 10000, the body has 4000 bytes"},
	{"short body before trailers", func(p *peers) {
		answer(false, ":status=200", "content-length=10")(p)
		p.data(21, recv, 1, 4, false)
		p.headers(22, recv, 1, true, "x-sum=1")
	}, "HEADERS: content-length is 10, the body has 4 bytes"},
	{"no body", answer(true, ":status=200", "content-length=10"), "HEADERS: content-length is 10, the body has 0 bytes"},
	{"long body", func(p *peers) {
		answer(false, ":status=200", "content-length=10")(p)
		p.data(21, recv, 1, 11, false)
		p.data(22, recv, 1, 11, true)
	}, "DATA: content-length is 10, the body has 11 bytes"},
	{"short request", func(p *peers) {
		p.headers(10, send, 1, false, ":method=POST", ":scheme=https", ":authority=goproxy.example", ":path=/a", "content-length=10")
		p.data(11, send, 1, 4, true)
		p.ok(20, 1, true)
	}, "DATA: content-length is 10, the body has 4 bytes"},
	{"long request", func(p *peers) {
		p.headers(10, send, 1, false, ":method=POST", ":scheme=https", ":authority=goproxy.example", ":path=/a", "content-length=3")
		p.data(11, send, 1, 4, true)
		p.ok(20, 1, true)
	}, "DATA: content-length is 3, the body has 4 bytes"},
	{"content of HEAD", func(p *peers) {
		asks(p, "HEAD")
		p.ok(20, 1, false)
		p.data(21, recv, 1, 4, true)
	}, "DATA: the response to HEAD has content"},
	{"no status", answer(true, "server=x"), "HEADERS: response lacks :status"},
	{"two status", answer(true, ":status=200", ":status=200"), "HEADERS: pseudo-header field comes twice"},
	{"bad status", answer(true, ":status=2000"), "HEADERS: :status is no status code"},
	{"upper case", answer(true, ":status=200", "Server=x"), "HEADERS: field name has an uppercase letter"},
	{"no name", answer(true, ":status=200", "=x"), "HEADERS: field name has a character"},
	{"space in a name", answer(true, ":status=200", "a b=x"), "HEADERS: field name has a character"},
	{"line break in a value", answer(true, ":status=200", "a=x\r\nb: c"), "HEADERS: field value has NUL, CR or LF"},
	{"late pseudo-header field", answer(true, "server=x", ":status=200"), "HEADERS: pseudo-header field follows a regular one"},
	{"unknown pseudo-header field", answer(true, ":status=200", ":reason=OK"), "HEADERS: pseudo-header field is not defined"},
	{"of a request", answer(true, ":status=200", ":path=/a"), "HEADERS: pseudo-header field is one of the other side's"},
	{"in trailers", func(p *peers) {
		answer(false, ":status=200")(p)
		p.headers(21, recv, 1, true, ":status=200")
	}, "HEADERS: pseudo-header field is in trailers"},
	{"trailers that do not end", func(p *peers) {
		answer(false, ":status=200")(p)
		p.headers(21, recv, 1, false, "x-sum=1")
		p.data(22, recv, 1, 1, true)
	}, "HEADERS: trailers do not end their stream"},
	{"an interim response ends", answer(true, ":status=103"), "HEADERS: an interim response ends its stream"},
	{"DATA first", func(p *peers) {
		asks(p, "GET")
		p.data(20, recv, 1, 1, true)
	}, "DATA: DATA comes before the header section"},
	{"no path", requested(":method=GET", ":scheme=https", ":authority=a"), "HEADERS: request lacks a mandatory pseudo-header field"},
	{"empty path", requested(":method=GET", ":scheme=https", ":authority=a", ":path="), "HEADERS: :path is empty"},
	{"CONNECT with a path", requested(":method=CONNECT", ":authority=a:443", ":path=/"), "HEADERS: CONNECT has :scheme or :path"},
	{"CONNECT to nowhere", requested(":method=CONNECT"), "HEADERS: request lacks a mandatory pseudo-header field"},
	{"promised in two frames", func(p *peers) {
		asks(p, "GET")
		p.promiseInTwo(11, 1, 2, ":method=GET", ":path=/b")
		p.ok(20, 2, true)
	}, "CONTINUATION: request lacks a mandatory pseudo-header field"},
	{"promised", func(p *peers) {
		asks(p, "GET")
		p.promise(11, 1, 2, ":method=GET", ":path=/b")
		p.ok(20, 2, true)
	}, "PUSH_PROMISE: request lacks a mandatory pseudo-header field"},
}

// TestMalformed has malformed messages (RFC 9113 §8.1.1). The frame has the rule, and the
// exchange the failure. That holds whether the client resets the stream before or after.
func TestMalformed(t *testing.T) {
	for _, tt := range slices.Concat(malformedMessages, malformedRequests, malformedFields) {
		for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
			j := judged(t, role, tt.do)
			if len(j.broken) != 1 || !strings.HasPrefix(j.broken[0], tt.want) {
				t.Errorf("%s: broken %q, want %s", tt.name, j.broken, tt.want)
			}
			e := j.exchanges[0]
			_, rule, _ := strings.Cut(tt.want, ": ")
			if e.Error == nil || e.Error.Class != ClassProtocol || !strings.Contains(e.Error.Detail, rule) {
				t.Errorf("%s: the exchange is %+v, %+v", tt.name, e, e.Error)
			}
		}
	}
}

// judged follows both sides of a connection, observed at one of them.
func judged(t *testing.T, role decoder.Role, do func(*peers)) *judge {
	j := &judge{}
	turn := func(d decoder.Direction) decoder.Direction {
		if role == decoder.Server {
			return d ^ 1
		}
		return d
	}
	j.tracker = New(Config{Scheme: "https", FromStart: true}, j)
	j.tracker.SetClient(turn(send))
	p := newPeers(t, decoder.NewConn(decoder.Config{Role: role, FromStart: true}, j))
	p.hear = func(at ktime.Time, d decoder.Direction, b []byte) { p.conn.Data(at, turn(d), b) }
	p.start(1 << 20)
	do(p)
	p.conn.Close(99)
	j.tracker.Close(99, EndedByPeer)
	return j
}

// TestWellFormed has messages that look malformed and are not.
func TestWellFormed(t *testing.T) {
	for name, do := range map[string]func(*peers){
		"HEAD": func(p *peers) {
			asks(p, "HEAD")
			p.headers(20, recv, 1, false, ":status=200", "content-length=10")
			p.data(21, recv, 1, 0, true)
		},
		"HEAD with trailers": func(p *peers) {
			asks(p, "HEAD")
			p.headers(20, recv, 1, false, ":status=200", "content-length=10")
			p.headers(21, recv, 1, true, "x-sum=1")
		},
		"HEAD answered by 304": func(p *peers) {
			asks(p, "HEAD")
			p.headers(20, recv, 1, true, ":status=304", "content-length=10")
		},
		"304": answer(true, ":status=304", "content-length=10"),
		"204": answer(true, ":status=204", "content-length=0"),
		"empty DATA": func(p *peers) {
			answer(false, ":status=204")(p)
			p.data(21, recv, 1, 0, true)
		},
		"interim": func(p *peers) {
			answer(false, ":status=103", "link=</a>", "content-length=0")(p)
			p.headers(21, recv, 1, true, ":status=200", "content-length=0")
		},
		"CONNECT": func(p *peers) {
			p.headers(10, send, 1, false, ":method=CONNECT", ":authority=a:443")
			p.headers(20, recv, 1, false, ":status=200", "content-length=0")
			p.data(21, recv, 1, 5, true)
			p.data(22, send, 1, 5, true)
		},
		"extended CONNECT": func(p *peers) {
			allowed(p)
			requested(":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/chat")(p)
		},
		"extended CONNECT before the acknowledgement": func(p *peers) {
			p.say(9, recv, func(f *http2.Framer) error { return f.WriteSettings(connectProtocol(1)) })
			requested(":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/chat")(p)
		},
		"host and :authority": requested(":method=GET", ":scheme=https", ":authority=a:443", ":path=/", "host=A"),
		"addresses of IPv6":   requested(":method=GET", ":scheme=https", ":authority=[2001:db8::1]:8443", ":path=/?a=/b?c@d"),
		"IPv6 in host alone":  requested(":method=GET", ":scheme=https", ":path=/", "host=[2001:db8::1]:8443"),
		"tab in a value":      requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "x=a\tb \u00e9\xff and more"),
		"any token":           requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "!#$%&'*+-.^_`|~09az=x"),
		"OPTIONS":             requested(":method=OPTIONS", ":scheme=https", ":authority=a", ":path=*"),
		"padding": func(p *peers) {
			answer(false, ":status=200", "content-length=7")(p)
			p.say(21, recv, func(f *http2.Framer) error { return f.WriteDataPadded(1, true, make([]byte, 7), make([]byte, 9)) })
		},
		"the same length twice": func(p *peers) {
			answer(false, ":status=200", "content-length=7", "content-length=7")(p)
			p.data(21, recv, 1, 7, true)
		},
		"te":                        requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "te=trailers"),
		"empty te":                  requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "te="),
		"list of te":                requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "te=Trailers, ,trailers"),
		"empty field":               requested(":method=GET", ":scheme=https", ":authority=a", ":path=/", "x="),
		"no path of another scheme": requested(":method=GET", ":scheme=mailto", ":path="),
		"CONNECT with a length": func(p *peers) {
			allowed(p)
			p.headers(10, send, 1, false, ":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/", "content-length=0")
			p.headers(20, recv, 1, false, ":status=200", "content-length=0")
			p.data(21, send, 1, 5, true)
			p.data(22, recv, 1, 5, true)
		},
		"trailers of both": func(p *peers) {
			p.headers(10, send, 1, false, ":method=POST", ":scheme=https", ":authority=a", ":path=/", "content-length=3")
			p.data(11, send, 1, 3, false)
			p.headers(12, send, 1, true, "x-sum=1")
			p.headers(20, recv, 1, false, ":status=200", "content-length=3")
			p.data(21, recv, 1, 3, false)
			p.headers(22, recv, 1, true, "x-sum=1")
		},
		"a promise": func(p *peers) {
			asks(p, "GET")
			p.promise(11, 1, 2, ":method=HEAD", ":scheme=https", ":authority=a", ":path=/b")
			p.headers(20, recv, 2, true, ":status=200", "content-length=10")
			p.ok(21, 1, true)
		},
	} {
		for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
			j := judged(t, role, do)
			if len(j.broken) > 0 {
				t.Errorf("%s: %q", name, j.broken)
			}
			for _, e := range j.exchanges {
				if e.Error != nil {
					t.Errorf("%s: %+v", name, e.Error)
				}
			}
		}
	}
}

// TestTolerated has faults that net/http accepts: the frame breaks a rule, and the exchange
// succeeds.
func TestTolerated(t *testing.T) {
	for _, field := range []string{"content-length=x", "content-length=1, 1", "connection=close", "keep-alive=1", "transfer-encoding=chunked", "upgrade=h2c", "te=gzip", "te=trailers, gzip", "te=trailers;q=0.5", "server= x", "server=x\t"} {
		j := judged(t, decoder.Client, answer(true, ":status=200", field))
		if len(j.broken) != 1 || j.exchanges[0].Error != nil {
			t.Errorf("%s: broken %q, exchange %+v", field, j.broken, j.exchanges[0].Error)
		}
	}
}

// TestSilent has a response that stops between two frames.
func TestSilent(t *testing.T) {
	for name, frames := range map[string]int{"head": 0, "body": 1} {
		w := &whole{}
		w.tracker = New(Config{Scheme: "https", FromStart: true}, w)
		w.tracker.SetClient(send)
		p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, w))
		p.start(1 << 20)
		p.get(10, 1, "/a")
		p.headers(20, recv, 1, false, ":status=200", "content-length=100")
		for i := range frames {
			p.data(ktime.Time(30+10*i), recv, 1, 10, false)
		}
		p.conn.Close(99)
		w.tracker.Close(99, EndedByProcess)
		if e, want := w.exchanges[0], ktime.Time(20+10*frames); e.Latest != want || e.ResponseEnd != 99 {
			t.Errorf("%s: got %+v, want Latest %d", name, e, want)
		}
	}
}

// TestCut has a connection end inside a frame that would have ended the stream.
func TestCut(t *testing.T) {
	for _, by := range []Ended{EndedByPeer, NotEnded} {
		w := &whole{}
		w.tracker = New(Config{Scheme: "https", FromStart: true}, w)
		w.tracker.SetClient(send)
		p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, w))
		p.start(1 << 20)
		p.get(10, 1, "/a")
		p.headers(20, recv, 1, false, ":status=200", "content-length=100")
		p.hear = func(at ktime.Time, d decoder.Direction, b []byte) { p.conn.Data(at, d, b[:len(b)-60]) }
		p.data(30, recv, 1, 100, true)
		p.conn.Close(99)
		w.tracker.Close(99, by)
		e := w.exchanges[0]
		// The time of the last byte of that frame is unknown.
		if failed := e.Error != nil && e.Error.Class == ClassReset; failed == (by == NotEnded) || e.Open == failed || e.ResponseEnd != 99 || e.Latest != 20 || e.ResponseBytes != 40 {
			t.Errorf("ended %d: got %+v, %+v", by, e, e.Error)
		}
	}
}
