package exchange

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// piece holds the bytes of one Read or Write.
type piece struct {
	at  ktime.Time
	dir decoder.Direction
	b   []byte
}

// conversation has exchanges that all succeed and end.
func conversation(t *testing.T) []piece {
	var pieces []piece
	p := newPeers(t, nil)
	p.hear = func(at ktime.Time, d decoder.Direction, b []byte) {
		pieces = append(pieces, piece{at, d, bytes.Clone(b)})
	}
	p.start(1 << 20)
	at := ktime.Time(10)
	for id := uint32(1); id < 12; id += 2 {
		p.post(at, id, "/a")
		p.data(at+1, send, id, 5, id%4 == 1)
		p.headers(at+2, recv, id, false, ":status=103")
		p.ok(at+3, id, false)
		p.data(at+4, recv, id, 100, false)
		if id%4 == 3 {
			p.data(at+5, send, id, 0, true)
		}
		p.data(at+6, recv, id, 100, true)
		p.get(at+7, id+20, "/b") // GETs continue in parallel
		p.headers(at+8, recv, id+20, true, ":status=204")
		at += 10
	}
	// The request is complete before the server says that it need not be.
	p.post(at, 51, "/c")
	p.ok(at+1, 51, false)
	p.data(at+2, recv, 51, 100, true)
	p.data(at+3, send, 51, 5, true)
	p.reset(at+4, recv, 51, http2.ErrCodeNo)
	p.post(at+5, 53, "/d") // cancelled after the response
	p.ok(at+6, 53, true)
	p.reset(at+7, send, 53, http2.ErrCodeNo)
	return pieces
}

// messages returns such a conversation in HTTP/1.1.
func messages(*testing.T) []piece {
	const post = "POST /a HTTP/1.1\r\nHost: goproxy.example\r\nContent-Length: 5\r\n\r\n"
	var pieces []piece
	for at := ktime.Time(10); at < 50; at += 10 {
		pieces = append(pieces,
			piece{at, send, []byte(post)},
			piece{at + 1, send, []byte("abcde")},
			piece{at + 2, recv, []byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")},
			piece{at + 3, recv, []byte("ab")},
			piece{at + 4, recv, []byte("cd")},
			piece{at + 5, send, []byte("HEAD /b HTTP/1.1\r\nHost: goproxy.example\r\n\r\n")},
			piece{at + 6, recv, []byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")},
			piece{at + 7, send, []byte("GET /c HTTP/1.1\r\nHost: goproxy.example\r\n\r\n")},
			piece{at + 8, recv, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")},
			piece{at + 9, recv, []byte("0\r\n\r\n")})
	}
	return pieces
}

// whole records the exchanges of a Tracker.
type whole struct {
	lines
	exchanges []Exchange
}

func (w *whole) Exchange(e *Exchange) { w.exchanges = append(w.exchanges, *e) }

func (w *whole) Request(ktime.Time, *Exchange) {}

// listen follows pieces, without those numbered lost.
func listen(pieces []piece, lost [2]int, unknown bool, by Ended, role decoder.Role) []Exchange {
	w := &whole{}
	w.tracker = New(Config{Scheme: "https", FromStart: true}, w)
	client := send
	if role == decoder.Server {
		client = recv
	}
	w.tracker.SetClient(client)
	c := decoder.NewConn(decoder.Config{Role: role, FromStart: true}, w)
	for i, p := range pieces {
		p.dir ^= client
		switch {
		case i != lost[0] && i != lost[1]:
			c.Data(p.at, p.dir, p.b)
		case unknown:
			c.Gap(p.at, p.dir, -1)
		default:
			c.Gap(p.at, p.dir, int64(len(p.b)))
		}
	}
	c.Close(99)
	w.tracker.Close(99, by)
	return w.exchanges
}

// TestLoss loses each pair of pieces of a conversation without failures. Whatever is lost, no
// exchange fails, and no time changes.
func TestLoss(t *testing.T) {
	for name, say := range map[string]func(*testing.T) []piece{"HTTP/2": conversation, "HTTP/1.1": messages} {
		pieces := say(t)
		real := make(map[ktime.Time]Exchange) // by their start
		for _, e := range listen(pieces, [2]int{-1, -1}, false, EndedByPeer, decoder.Client) {
			real[e.Start] = e
		}
		for i := range len(pieces) * len(pieces) {
			lost := [2]int{i / len(pieces), i % len(pieces)}
			if lost[0] > lost[1] {
				continue
			}
			unknown, by := i%2 == 1, []Ended{EndedByPeer, EndedByProcess, NotEnded}[i%3]
			for _, role := range []decoder.Role{decoder.Client, decoder.Server} {
				streams := make(map[uint32]bool)
				for _, e := range listen(pieces, lost, unknown, by, role) {
					if streams[e.Stream] {
						t.Errorf("%s, role %d: without pieces %d: stream %d is reported twice", name, role, lost, e.Stream)
					}
					streams[e.Stream] = e.Stream != 0
					if problem := differs(&e, real); problem != "" {
						t.Errorf("%s, role %d: without pieces %d (unknown length %v, ended %d): %+v: %s", name, role, lost, unknown, by, e, problem)
					}
				}
			}
		}
	}
}

// differs says how an exchange differs from the real one.
func differs(e *Exchange, real map[ktime.Time]Exchange) string {
	if e.Error != nil {
		return fmt.Sprintf("failed: %s: %s", e.Error.Class, e.Error.Detail)
	}
	if e.Open || e.Unanswered {
		return fmt.Sprintf("open %v, unanswered %v", e.Open, e.Unanswered)
	}
	want, ok := real[e.Start]
	if !ok {
		return "" // the beginning was lost
	}
	for name, times := range map[string][2]ktime.Time{
		"request end": {e.RequestEnd, want.RequestEnd}, "response": {e.Response, want.Response},
		"response end": {e.ResponseEnd, want.ResponseEnd}, "end": {e.End, want.End},
	} {
		if times[0] != 0 && times[0] != times[1] {
			return fmt.Sprintf("%s at %d, want %d or unknown", name, times[0], times[1])
		}
	}
	return ""
}

// TestFailureAfterLoss has exchanges that fail after a loss. The loss cannot have hidden
// their end.
func TestFailureAfterLoss(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*peers)
		want string
	}{
		"given up by a client whose request was complete": {
			func(p *peers) { p.reset(30, send, 1, http2.ErrCodeCancel) }, "aborted",
		},
		"the response goes on, and stops": {
			func(p *peers) { p.data(30, recv, 1, 5, false) }, "reset",
		},
		"not heard of again": {func(*peers) {}, ""},
	} {
		w := &whole{}
		w.tracker = New(Config{Scheme: "https", FromStart: true}, w)
		w.tracker.SetClient(send)
		p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, w))
		p.start(20000)
		p.get(10, 1, "/a")
		p.ok(20, 1, false)
		p.conn.Gap(25, recv, 9)
		for range 12 { // frame boundaries are found again
			p.say(26, recv, func(f *http2.Framer) error { return f.WritePing(false, [8]byte{1}) })
		}
		tt.do(p)
		p.conn.Close(99)
		w.tracker.Close(99, EndedByPeer)
		got := ""
		if e := w.exchanges[0].Error; e != nil {
			got = string(e.Class)
		}
		if len(w.exchanges) != 1 || got != tt.want {
			t.Errorf("%s: got %+v, want class %q", name, w.exchanges, tt.want)
		}
	}
}

// TestEndCounted has a flood begin where a stream ends: of the field block that ends it, the last
// frame alone is decoded. The RST_STREAM after it is no failure for certain.
func TestEndCounted(t *testing.T) {
	var got []Exchange
	config := decoder.Config{Role: decoder.Client, FromStart: true, Overhead: decoder.Overhead{Burst: 100, PerSecond: 1000}}
	c := NewConn(ConnConfig{Scheme: "https", Decoder: config}, Hooks{Exchange: func(e *Exchange) { got = append(got, *e) }})
	frame := func(at time.Duration, d decoder.Direction, typ decoder.Type, flags decoder.Flags, id byte, payload string) {
		b := append([]byte{0, 0, byte(len(payload)), byte(typ), byte(flags), 0, 0, 0, id}, payload...)
		c.Data(ktime.Time(1+at), d, b)
	}
	c.Data(1, send, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	frame(0, send, decoder.TypeSettings, 0, 0, "")
	frame(0, recv, decoder.TypeSettings, 0, 0, "")
	frame(0, send, decoder.TypeHeaders, decoder.FlagEndHeaders, 1, "\x83\x87\x84")
	frame(0, recv, decoder.TypeHeaders, decoder.FlagEndHeaders, 1, "\x88")
	for range 1000 {
		frame(0, recv, decoder.TypePing, 0, 0, "12345678")
	}
	frame(0, recv, decoder.TypeHeaders, decoder.FlagEndStream, 1, "\x00\x01a")
	frame(time.Second, recv, decoder.TypeContinuation, decoder.FlagEndHeaders, 1, "\x01b")
	frame(time.Second, recv, decoder.TypeRSTStream, 0, 1, "\x00\x00\x00\x08")
	c.Close(ktime.Time(time.Minute), EndedByPeer)
	if len(got) != 1 || got[0].Error != nil || got[0].End != 0 {
		t.Errorf("got %+v, want an exchange with an unknown end", got)
	}
}
