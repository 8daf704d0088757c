package exchange

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

const getA = "GET https://goproxy.example/a"

var http2Tests = []struct {
	name string
	mid  bool
	do   func(*peers)
	by   Ended
	want []string
}{
	{
		"two at once", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.get(11, 3, "/b")
			p.ok(20, 3, false)
			p.ok(21, 1, false)
			p.data(22, recv, 1, 100, false)
			p.data(23, recv, 3, 50, true)
			p.data(24, recv, 1, 100, true)
		}, EndedByPeer, []string{
			"3 GET https://goproxy.example/b 200 h2 start=11 sent=11 first=20 last=23 end=23 bytes=0,50",
			"1 " + getA + " 200 h2 start=10 sent=10 first=21 last=24 end=24 bytes=0,200 new",
		},
	},
	{
		"request body, padding, interim response, trailers", false, func(p *peers) {
			p.post(10, 1, "/a")
			p.headers(11, recv, 1, false, ":status=100")
			p.say(12, send, func(f *http2.Framer) error { return f.WriteDataPadded(1, false, make([]byte, 7), make([]byte, 9)) })
			p.data(13, send, 1, 3, true)
			p.ok(20, 1, false)
			p.data(21, recv, 1, 5, false)
			p.headers(22, recv, 1, true, "x-sum=1")
		}, EndedByPeer, []string{"1 POST https://goproxy.example/a 200 h2 start=10 sent=13 first=20 last=22 end=22 bytes=10,5 new"},
	},
	{
		"status and redirect", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.headers(20, recv, 1, true, ":status=302", "location=/b")
			p.get(30, 3, "/a")
			p.headers(40, recv, 3, true, ":status=410")
			p.get(50, 5, "/a")
			p.headers(60, recv, 5, true, ":status=503")
		}, EndedByPeer, []string{
			"1 " + getA + " 302 h2 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new to=/b",
			"3 " + getA + " 410 h2 start=30 sent=30 first=40 last=40 end=40 bytes=0,0 http_4xx: 410",
			"5 " + getA + " 503 h2 start=50 sent=50 first=60 last=60 end=60 bytes=0,0 http_5xx: 503",
		},
	},
	{
		"credentials", false, func(p *peers) {
			p.headers(10, send, 1, true, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/a", "authorization=Basic eDp5")
			p.headers(20, recv, 1, true, ":status=429", "retry-after=30", "x-cache=MISS")
			p.headers(30, send, 3, true, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/a", "private-token=x")
			p.headers(40, recv, 3, true, ":status=403")
			p.headers(50, send, 5, true, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/a", "user-agent=token")
			p.headers(60, recv, 5, true, ":status=401")
		}, EndedByPeer, []string{
			"1 " + getA + " 429 h2 start=10 sent=10 first=20 last=20 end=20 bytes=0,0 new authorized after=30 cache=miss http_4xx: 429",
			"3 " + getA + " 403 h2 start=30 sent=30 first=40 last=40 end=40 bytes=0,0 authorized http_4xx: 403",
			"5 " + getA + " 401 h2 start=50 sent=50 first=60 last=60 end=60 bytes=0,0 http_4xx: 401",
		},
	},
	{
		"resets", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.reset(20, recv, 1, http2.ErrCodeRefusedStream)
			p.get(30, 3, "/a")
			p.ok(31, 3, false)
			p.reset(32, send, 3, http2.ErrCodeCancel)
			p.data(33, recv, 3, 1, true) // was in transit
			p.get(40, 5, "/a")
			p.reset(41, send, 5, http2.ErrCodeProtocol)
			p.get(50, 7, "/a")
			p.headers(51, recv, 7, false, ":status=404")
			p.reset(52, send, 7, http2.ErrCodeCancel)
			p.post(60, 9, "/a")
			p.ok(61, 9, true)
			p.reset(62, recv, 9, http2.ErrCodeNo)
			p.ok(63, 1, true) // was in transit
		}, EndedByPeer, []string{
			"1 " + getA + " 0 h2 start=10 sent=10 first=0 last=0 end=20 bytes=0,0 new unanswered reset: RST_STREAM REFUSED_STREAM",
			"3 " + getA + " 200 h2 start=30 sent=30 first=31 last=32 end=32 bytes=0,0 aborted: RST_STREAM CANCEL",
			"5 " + getA + " 0 h2 start=40 sent=40 first=0 last=0 end=41 bytes=0,0 unanswered protocol: RST_STREAM PROTOCOL_ERROR",
			"7 " + getA + " 404 h2 start=50 sent=50 first=51 last=52 end=52 bytes=0,0 http_4xx: 404",
			"9 POST https://goproxy.example/a 200 h2 start=60 sent=60 first=61 last=61 end=62 bytes=0,0",
		},
	},
	{
		"GOAWAY and the end of the connection", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.get(11, 3, "/a")
			p.say(20, recv, func(f *http2.Framer) error {
				return f.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("slow\ndown"))
			})
		}, EndedByPeer, []string{
			"3 " + getA + ` 0 h2 start=11 sent=11 first=0 last=0 end=20 bytes=0,0 unanswered goaway: GOAWAY ENHANCE_YOUR_CALM, last stream 1: "slow\ndown"`,
			"1 " + getA + ` 0 h2 start=10 sent=10 first=0 last=0 end=99 bytes=0,0 new unanswered goaway: GOAWAY ENHANCE_YOUR_CALM, last stream 1: "slow\ndown"`,
		},
	},
	{
		"connection ended by the peer", false, func(p *peers) { p.get(10, 1, "/a") },
		EndedByPeer,
		[]string{"1 " + getA + " 0 h2 start=10 sent=10 first=0 last=0 end=99 bytes=0,0 new unanswered reset: connection ended before the response was complete"},
	},
	{
		"connection ended by the process", false, func(p *peers) { p.get(10, 1, "/a") },
		EndedByProcess,
		[]string{"1 " + getA + " 0 h2 start=10 sent=10 first=0 last=0 end=99 bytes=0,0 new unanswered aborted: connection ended before the response was complete"},
	},
	{
		"observing ended", false, func(p *peers) { p.get(10, 1, "/a"); p.ok(20, 1, false) },
		NotEnded,
		[]string{"1 " + getA + " 200 h2 start=10 sent=10 first=20 last=99 end=99 bytes=0,0 new open"},
	},
	{
		"observing ended before the answer", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.post(20, 3, "/b")
			p.data(30, send, 3, 5, false)
		}, NotEnded, []string{
			"1 " + getA + " 0 h2 start=10 sent=10 first=0 last=0 end=99 bytes=0,0 new unanswered open",
			"3 POST https://goproxy.example/b 0 h2 start=20 sent=30 first=0 last=0 end=99 bytes=5,0 unanswered open",
		},
	},
	{
		"push", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.promise(20, 1, 2, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/p")
			p.promiseInTwo(20, 1, 4, ":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/q")
			p.ok(29, 4, true)
			p.ok(30, 2, true)
			p.ok(31, 1, true)
		}, EndedByPeer, []string{
			"4 GET https://goproxy.example/q 200 h2 start=20 sent=20 first=29 last=29 end=29 bytes=0,0",
			"2 GET https://goproxy.example/p 200 h2 start=20 sent=20 first=30 last=30 end=30 bytes=0,0",
			"1 " + getA + " 200 h2 start=10 sent=10 first=31 last=31 end=31 bytes=0,0 new",
		},
	},
	{
		"the process's window is used up", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.ok(20, 1, false)
			p.data(21, recv, 1, 16000, false)
			p.grant(22, send, 1, 16000)
			p.data(23, recv, 1, 4000, false) // all 20000 bytes of credit that had reached the peer
			p.grant(25, send, 1, 4000)
			p.data(29, recv, 1, 16000, false)
			p.grant(30, send, 1, 16000)
			p.data(100, recv, 1, 4000, false) // the credit had reached the peer by then
			p.data(101, recv, 1, 16000, true)
		}, EndedByPeer, []string{
			"stall 1 recv window=20000 23-29 by DATA",
			"1 " + getA + " 200 h2 start=10 sent=10 first=20 last=101 end=101 bytes=0,56000 new stalled=6,0",
		},
	},
	{
		"window of the connection used up", false, func(p *peers) {
			p.get(10, 1, "/a")
			p.get(10, 3, "/b")
			p.grant(10, send, 1, 1<<20)
			p.grant(10, send, 3, 1<<20)
			p.ok(15, 1, false)
			p.ok(15, 3, false)
			for range 3 {
				p.data(20, recv, 1, 16384, false)
			}
			p.data(30, recv, 3, 65535-3*16384, true) // stream 1 continues
			p.grant(70, send, 0, 1000)
			p.data(80, recv, 1, 10, true)
		}, EndedByPeer, []string{
			"3 GET https://goproxy.example/b 200 h2 start=10 sent=10 first=15 last=30 end=30 bytes=0,16383",
			"stall 0 recv window=65535 30-80 by DATA",
			"1 " + getA + " 200 h2 start=10 sent=10 first=15 last=80 end=80 bytes=0,49162 new stalled=50,0",
		},
	},
	{
		"the peer's window is used up", false, func(p *peers) {
			p.post(10, 1, "/a")
			for range 3 {
				p.data(20, send, 1, 16384, false)
			}
			p.data(21, send, 1, 65535-3*16384, false)
			p.grant(50, recv, 1, 1000)
			p.grant(61, recv, 0, 1000)
			p.data(62, send, 1, 1000, false)
			p.reset(70, recv, 1, http2.ErrCodeNo)
		}, EndedByPeer, []string{
			"stall 1 send window=65535 21-50 by WINDOW_UPDATE",
			"stall 0 send window=65535 21-61 by WINDOW_UPDATE",
			"stall 1 send window=65535 62-70 by RST_STREAM",
			"1 POST https://goproxy.example/a 0 h2 start=10 sent=62 first=0 last=0 end=70 bytes=66535,0 new stalled=0,48 unanswered reset: RST_STREAM NO_ERROR",
			"stall 0 send window=65535 62-99 by close",
		},
	},
	{
		"met in the middle", true, func(p *peers) {
			p.data(10, recv, 7, 100, false)
			p.data(11, recv, 7, 100, true)
			p.get(20, 9, "/a")
			p.ok(30, 9, true)
			p.ok(31, 5, true)
			p.say(32, recv, func(f *http2.Framer) error { return f.WritePing(false, [8]byte{1}) })
		}, EndedByPeer, []string{
			"9 " + getA + " 200 h2 start=20 sent=20 first=30 last=30 end=30 bytes=0,0",
			"7   0 h2 start=0 sent=0 first=0 last=11 end=0 bytes=-1,-1 reused=?",
			"5   200 h2 start=0 sent=0 first=31 last=31 end=0 bytes=-1,-1",
		},
	},
}

// TestFoundLate feeds frames from a decoder that had to search for the frame boundaries of
// one direction.
func TestFoundLate(t *testing.T) {
	l := &lines{}
	tr := New(Config{Scheme: "https"}, l)
	tr.SetClient(send)
	data := decoder.Frame{Time: 10, Dir: send, Type: decoder.TypeData, Flags: decoder.FlagEndStream, StreamID: 1, Length: 5, DataLength: 5}
	tr.Frame(&data)
	head := decoder.Frame{Time: 30, Dir: send, Type: decoder.TypeHeaders, Flags: decoder.FlagEndHeaders, StreamID: 1, BlockEnd: true}
	head.Headers = []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/a"}}
	tr.Frame(&head)
	used := decoder.Frame{Time: 35, Dir: recv, Type: decoder.TypeData, StreamID: 1, Length: 5, DataLength: 5}
	used.Window.StreamRecv.Known = true
	tr.Frame(&used)
	used.Time = 33
	tr.Frame(&used)
	tr.Close(40, EndedByPeer)
	want := []string{"stall 1 recv window=5 35-35 by DATA", "stall 1 recv window=5 33-40 by close", "1 POST /a 0 h2 start=10 sent=10 first=0 last=0 end=40 bytes=5,10 reused=? stalled=7,0 reset: connection ended before the response was complete"}
	if diff := cmp.Diff(want, l.got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHTTP2(t *testing.T) {
	for _, tt := range http2Tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &lines{}
			l.tracker = New(Config{Scheme: "https", FromStart: !tt.mid}, l)
			l.tracker.SetClient(send)
			p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: !tt.mid}, l))
			if !tt.mid {
				p.start(20000)
			}
			tt.do(p)
			p.conn.Close(99)
			l.tracker.Close(99, tt.by)
			if diff := cmp.Diff(tt.want, l.got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestGivenUpAfterTheEnd has a client cancel a stream after the connection was ended by the
// peer, the network or the client itself.
func TestGivenUpAfterTheEnd(t *testing.T) {
	for by, want := range map[Ended]string{
		EndedByPeer:    "reset: connection ended before the response was complete",
		EndedByNetwork: "timeout: the network let nothing through before the response was complete",
		EndedByProcess: "aborted: RST_STREAM CANCEL",
		EndedUnknown:   "aborted: RST_STREAM CANCEL",
	} {
		l := &lines{}
		l.tracker = New(Config{Scheme: "https", FromStart: true}, l)
		l.tracker.SetClient(send)
		p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, l))
		p.start(20000)
		p.get(10, 1, "/a")
		p.ok(20, 1, false)
		l.tracker.Ended(by)
		p.say(30, send, func(f *http2.Framer) error { return f.WriteRSTStream(1, http2.ErrCodeCancel) })
		if len(l.got) != 1 || !strings.HasSuffix(l.got[0], " new "+want) {
			t.Errorf("%d: got %q, want %q", by, l.got, want)
		}
	}
}

// TestCrowd has three streams, of which at most two are open at once.
func TestCrowd(t *testing.T) {
	l := &lines{}
	l.tracker = New(Config{Scheme: "https", FromStart: true}, l)
	l.tracker.SetClient(send)
	p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, l))
	p.start(20000)
	if c := l.tracker.Crowd(); c.Peak != 0 || c.Allowed != nil {
		t.Errorf("got %+v before the first", c)
	}
	p.say(5, send, func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 7})
	})
	p.say(6, recv, func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
	})
	p.get(10, 1, "/a")
	p.get(11, 3, "/b")
	p.ok(20, 1, true)
	p.get(30, 5, "/c")
	p.ok(40, 3, true)
	p.ok(41, 5, true)
	if c := l.tracker.Crowd(); c.Peak != 2 || c.Allowed == nil || *c.Allowed != 100 {
		t.Errorf("got %+v, want 2 of 100", c)
	}
	if c := (*Tracker)(nil).Crowd(); c != (Crowd{}) {
		t.Errorf("got %+v of none", c)
	}
}
