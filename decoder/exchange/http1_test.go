package exchange

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

func TestHTTP1(t *testing.T) {
	type said struct {
		at   ktime.Time
		dir  decoder.Direction
		text string
	}
	const get = "GET /a HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"
	tests := []struct {
		name string
		said []said
		by   Ended
		want []string
	}{
		{
			"kept alive", []said{
				{10, send, get[:20]},
				{11, send, get[20:]},
				{20, recv, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"},
				{22, recv, "cd"},
				{30, send, "POST /b HTTP/1.1\r\nHost: goproxy.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
				{31, send, "0\r\n\r\n"},
				{40, recv, "HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n"},
			}, EndedByPeer, []string{
				"0 " + getA + " 200 http/1.1 start=10 sent=11 first=20 last=22 end=22 bytes=0,4 new",
				"0 POST https://goproxy.example/b 302 http/1.1 start=30 sent=31 first=40 last=40 end=40 bytes=3,0 to=/c",
			},
		},
		{
			"credentials", []said{
				{10, send, strings.Replace(get, "\r\n\r\n", "\r\nAuthorization: Basic eDp5\r\n\r\n", 1)},
				{20, recv, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nAge: 7\r\nContent-Length: 0\r\n\r\n"},
			}, EndedByPeer, []string{
				"0 " + getA + " 429 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new authorized after=30 cache=hit http_4xx: 429",
			},
		},
		{
			"pipelined, the second without an answer", []said{
				{10, send, get + get},
				{20, recv, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
			}, EndedByPeer, []string{
				"0 " + getA + " 404 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new http_4xx: 404",
				"0 " + getA + " 0 http/1.1 start=10 sent=10 first=0 last=0 end=99 bytes=0,0 unanswered reset: connection ended before the response was complete",
			},
		},
		{
			"interim, then cut by the peer", []said{
				{10, send, get},
				{15, recv, "HTTP/1.1 103 Early Hints\r\n\r\n"},
				{20, recv, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
			}, EndedByPeer, []string{
				"0 " + getA + " 200 http/1.1 start=10 sent=10 first=20 last=99 end=99 bytes=0,3 new reset: connection ended before the response was complete",
			},
		},
		{
			"cut by the client", []said{
				{10, send, get},
				{20, recv, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"},
			}, EndedByProcess, []string{
				"0 " + getA + " 200 http/1.1 start=10 sent=10 first=20 last=99 end=99 bytes=0,3 new aborted: connection ended before the response was complete",
			},
		},
		{
			"ended by the connection", []said{
				{10, send, "GET http://goproxy.example/a HTTP/1.0\r\n\r\n"},
				{20, recv, "HTTP/1.0 200 OK\r\n\r\nabc"},
			}, EndedByPeer, []string{
				"0 GET http://goproxy.example/a 200 http/1.0 start=10 sent=10 first=20 last=99 end=99 bytes=0,3 new",
			},
		},
		{
			"CONNECT, then something else", []said{
				{10, send, "CONNECT goproxy.example:443 HTTP/1.1\r\nHost: goproxy.example:443\r\n\r\n"},
				{20, recv, "HTTP/1.1 200 OK\r\n\r\nab"},
				{21, send, "\x16\x03\x01"},
			}, EndedByPeer, []string{
				"0 CONNECT goproxy.example:443 200 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new",
				"in tunnel recv 20: 6162",
				"in tunnel send 21: 160301",
			},
		},
		{
			"upgrade", []said{
				{10, send, "GET /ws HTTP/1.1\r\nHost: goproxy.example\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"},
				{20, recv, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81\x01a"},
			}, EndedByPeer, []string{
				"0 GET https://goproxy.example/ws 101 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new",
			},
		},
		{
			"no response", []said{{10, send, get}, {20, recv, "ICY 200 OK\r\n\r\n"}}, EndedByProcess, []string{
				"0 " + getA + " 0 http/1.1 start=10 sent=10 first=0 last=0 end=20 bytes=0,0 new unanswered protocol: response is malformed (RFC 9112)",
			},
		},
		{
			"lengths that contradict",
			[]said{{10, send, get}, {20, recv, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"}},
			EndedByProcess,
			[]string{
				"0 " + getA + " 200 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new protocol: response is malformed (RFC 9112)",
			},
		},
		{
			"no chunk",
			[]said{{10, send, get}, {20, recv, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n"}},
			EndedByProcess,
			[]string{
				"0 " + getA + " 200 http/1.1 start=10 sent=10 first=20 last=20 end=20 bytes=0,1 new protocol: response is malformed (RFC 9112)",
			},
		},
		{
			"observing ended",
			[]said{{10, send, get}, {20, recv, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}},
			NotEnded,
			[]string{
				"0 " + getA + " 200 http/1.1 start=10 sent=10 first=20 last=99 end=99 bytes=0,3 new open",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &lines{}
			l.tracker = New(Config{Scheme: "https", FromStart: true}, l)
			l.tracker.SetClient(send)
			c := decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, l)
			for _, s := range tt.said {
				c.Data(s.at, s.dir, []byte(s.text))
			}
			c.Close(99)
			l.tracker.Close(99, tt.by)
			if diff := cmp.Diff(tt.want, l.got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestPipelined has more requests wait for responses than the Tracker follows, and than
// there is memory for. No response is assigned to another request.
func TestPipelined(t *testing.T) {
	for _, tt := range []struct {
		name     string
		requests int
		budget   *http1.Budget
	}{
		{"more than are followed", maxOpen + 100, nil},
		{"more than there is memory for", 5000, http1.NewBudget(1 << 20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &whole{}
			tr := New(Config{Scheme: "http", FromStart: true, Budget: tt.budget}, w)
			tr.SetClient(send)
			for i := range tt.requests {
				tr.Data(1, send, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\n\r\n", i))
			}
			for i := range tt.requests {
				tr.Data(2, recv, fmt.Appendf(nil, "HTTP/1.1 302 Found\r\nContent-Length: 1\r\nLocation: /%d\r\n\r\na", i))
			}
			tr.Close(3, EndedByPeer)
			answered := 0
			for _, e := range w.exchanges {
				if e.Error != nil {
					t.Fatalf("%s failed: %v", e.URL, e.Error)
				}
				if e.Status == 0 || e.URL == "" { // no response, or that of a dropped request
					continue
				}
				if answered++; e.Redirect != e.URL || e.ResponseBytes != 1 {
					t.Fatalf("%s has the response to %s, of %d bytes", e.URL, e.Redirect, e.ResponseBytes)
				}
			}
			if answered == 0 || answered == tt.requests {
				t.Errorf("%d requests, %d with their response", tt.requests, answered)
			}
		})
	}
}

// TestPipelinedLoss loses responses to earlier requests. No later response is assigned to
// another request.
func TestPipelinedLoss(t *testing.T) {
	ask := func(tr *Tracker, i int) {
		tr.Data(ktime.Time(i), send, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\n\r\n", i))
	}
	answer := func(tr *Tracker, i int) {
		tr.Data(ktime.Time(i), recv, fmt.Appendf(nil, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /%d\r\n\r\n", i))
	}
	for _, mid := range []bool{false, true} {
		w := &whole{}
		tr := New(Config{Scheme: "http", FromStart: !mid}, w)
		tr.SetClient(send)
		ask(tr, 2)
		ask(tr, 3)
		if mid {
			answer(tr, 1)
		} else {
			tr.Gap(3, recv, -1)
		}
		for i := 4; i < 10; i++ {
			ask(tr, i)
			answer(tr, i-1)
		}
		tr.Close(11, EndedByPeer)
		for _, e := range w.exchanges {
			if e.Error != nil || e.URL != "" && e.Status != 0 {
				t.Errorf("met in the middle %v: %s is answered by %d, as for %s, and failed: %v", mid, e.URL, e.Status, e.Redirect, e.Error)
			}
		}
	}
}

// TestHTTP1Silent has a response that stops. The time of left out bytes is unknown.
func TestHTTP1Silent(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	for _, tt := range []struct {
		name string
		gap  int64
		want ktime.Time
	}{{"seen", 0, 20}, {"left out", 10, 0}} {
		w := &whole{}
		tr := New(Config{Scheme: "http", FromStart: true}, w)
		tr.SetClient(send)
		tr.Data(10, send, []byte("GET /a HTTP/1.1\r\nHost: goproxy.example\r\n\r\n"))
		tr.Data(20, recv, []byte(head+"ab"))
		if tt.gap > 0 {
			tr.Gap(90, recv, tt.gap)
		}
		tr.Close(99, EndedByProcess)
		if e := w.exchanges[0]; e.Latest != tt.want || e.ResponseEnd != 99 {
			t.Errorf("%s: got %+v, want Latest %d", tt.name, e, tt.want)
		}
	}
}
