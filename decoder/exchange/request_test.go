package exchange

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// TestTarget has requests with each form of a target (RFC 9112 §3.2, RFC 9113 §8.3.1), in
// HTTP/2 and HTTP/1.1.
func TestTarget(t *testing.T) {
	const host = "goproxy.example"
	for _, tt := range []struct {
		method, path string
		url          string
		toProxy      bool
	}{
		{"GET", "/a?b=c", "https://goproxy.example/a?b=c", false},
		{"GET", "/a?u=http://b.example/", "https://goproxy.example/a?u=http://b.example/", false},
		{"OPTIONS", "*", "https://goproxy.example", false},
		{"GET", "http://a.example/b", "http://a.example/b", true},
		{"GET", "a+b.c-1://a.example", "a+b.c-1://a.example", true},
		{"CONNECT", "", "goproxy.example", true},
	} {
		fields := []string{":method=" + tt.method, ":authority=" + host}
		line := tt.method + " " + host
		if tt.method != "CONNECT" {
			fields = append(fields, ":scheme=https", ":path="+tt.path)
			line = tt.method + " " + tt.path
		}
		over2 := judged(t, decoder.Client, func(p *peers) { p.headers(10, send, 1, true, fields...) })
		var over1 whole
		tr := New(Config{Scheme: "https", FromStart: true}, &over1)
		tr.SetClient(send)
		tr.Data(10, send, []byte(line+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n"))
		tr.Close(99, EndedByPeer)
		for _, list := range [][]Exchange{over2.exchanges, over1.exchanges} {
			if len(list) != 1 || list[0].URL != tt.url || list[0].ToProxy != tt.toProxy {
				t.Errorf("%s: got %+v, want %s, for a proxy: %v", line, list, tt.url, tt.toProxy)
			}
		}
	}
	j := judged(t, decoder.Client, requested(":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority="+host, ":path=/chat"))
	if e := j.exchanges[0]; e.URL != "https://goproxy.example/chat" || e.ToProxy {
		t.Errorf("extended CONNECT: got %+v", e)
	}
}

// beginnings records which requests begin.
type beginnings struct {
	judge
	got []string
}

func (b *beginnings) Request(at ktime.Time, e *Exchange) {
	b.got = append(b.got, fmt.Sprintf("%d: %d %s %s %d", at, e.Stream, e.Method, e.URL, e.Reused))
}

// TestRequest gets each request once, when its header section is complete.
func TestRequest(t *testing.T) {
	b := &beginnings{}
	b.tracker = New(Config{Scheme: "https", FromStart: true}, b)
	b.tracker.SetClient(send)
	p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, b))
	p.start(1 << 20)
	p.post(10, 1, "/a")
	p.data(11, send, 1, 5, false)
	p.headers(12, send, 1, true, "x-sum=1")
	p.promise(13, 1, 2, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/pushed")
	b.tracker.Close(99, NotEnded)
	b.tracker = New(Config{Scheme: "http", FromStart: true}, b)
	b.tracker.SetClient(send)
	b.tracker.Data(20, send, []byte("GET /b HTTP/1.1\r\nHost: a.example\r\n"))
	b.tracker.Data(21, send, []byte("\r\nGET /c HTTP/1.1\r\nHost: a.example\r\n\r\n"))
	want := []string{
		"10: 1 POST https://goproxy.example/a 1", "13: 2 GET https://goproxy.example/pushed 2",
		"21: 0 GET http://a.example/b 1", "21: 0 GET http://a.example/c 2",
	}
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// call makes a gRPC call.
func call(p *peers, at ktime.Time, id uint32) {
	p.headers(at, send, id, true, ":method=POST", ":scheme=https", ":authority=a.example", ":path=/s.S/M", "content-type=application/grpc+proto")
}

// TestGRPC has gRPC calls that end in each possible way.
func TestGRPC(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*peers)
		want *GRPC
	}{
		"trailers": {func(p *peers) {
			call(p, 10, 1)
			p.headers(20, recv, 1, false, ":status=200", "content-type=application/grpc")
			p.data(21, recv, 1, 5, false)
			p.headers(22, recv, 1, true, "grpc-status=0", "grpc-message=")
		}, &GRPC{Status: 0}},
		"nothing but trailers": {func(p *peers) {
			call(p, 10, 1)
			p.headers(20, recv, 1, true, ":status=200", "content-type=application/grpc", "grpc-status=14", "grpc-message=no%20way: 100%25")
		}, &GRPC{Status: 14, Message: "no way: 100%"}},
		"a message that is not encoded": {func(p *peers) {
			call(p, 10, 1)
			p.headers(20, recv, 1, true, ":status=200", "grpc-status=2", "grpc-message=100% sure")
		}, &GRPC{Status: 2, Message: "100% sure"}},
		"reset":          {func(p *peers) { call(p, 10, 1); p.reset(20, send, 1, http2.ErrCodeCancel) }, &GRPC{Status: -1}},
		"another answer": {func(p *peers) { call(p, 10, 1); p.headers(20, recv, 1, true, ":status=502") }, &GRPC{Status: -1}},
		"gRPC-Web": {func(p *peers) {
			asks(p, "GET")
			p.headers(20, recv, 1, true, ":status=200", "content-type=application/grpc-web+proto", "grpc-status=0")
		}, nil},
		"none": {func(p *peers) { asks(p, "GET"); p.headers(20, recv, 1, true, ":status=200", "grpc-status=0") }, nil},
	} {
		j := judged(t, decoder.Client, tt.do)
		if diff := cmp.Diff(tt.want, j.exchanges[0].GRPC); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// TestCallsAfterFailures makes the same call after a failed one. It counts as a retry only if
// the server has not processed the first.
func TestCallsAfterFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		fail func(*peers)
		want bool
	}{
		"refused":        {func(p *peers) { p.reset(20, recv, 1, http2.ErrCodeRefusedStream) }, true},
		"announced":      {func(p *peers) { p.say(20, recv, func(f *http2.Framer) error { return f.WriteGoAway(0, 0, nil) }) }, true},
		"reset":          {func(p *peers) { p.reset(20, recv, 1, http2.ErrCodeInternal) }, false},
		"cancelled":      {func(p *peers) { p.reset(20, send, 1, http2.ErrCodeCancel) }, false},
		"not available":  {func(p *peers) { p.headers(20, recv, 1, true, ":status=200", "grpc-status=14") }, false},
		"502":            {func(p *peers) { p.headers(20, recv, 1, true, ":status=502") }, false},
		"never answered": {func(*peers) {}, false},
	} {
		j := judged(t, decoder.Client, func(p *peers) {
			call(p, 10, 1)
			tt.fail(p)
		})
		var r Retries
		first := r.Of(1, "c1", &j.exchanges[0])
		again := r.Of(1, "c2", &Exchange{Stream: 1, Method: "POST", URL: j.exchanges[0].URL, Start: 100, End: 110, Status: 200})
		if first != nil || (again != nil) != tt.want {
			t.Errorf("%s: repeats %+v, want one: %v", name, again, tt.want)
		}
	}
}
