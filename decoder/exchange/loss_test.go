package exchange

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
)

// piece is what one Read or Write moved.
type piece struct {
	at  int64
	dir decoder.Direction
	b   []byte
}

// conversation has exchanges which all go well, and are all over.
func conversation(t *testing.T) []piece {
	var pieces []piece
	p := newPeers(t, nil)
	p.hear = func(at int64, d decoder.Direction, b []byte) { pieces = append(pieces, piece{at, d, bytes.Clone(b)}) }
	p.start(1 << 20)
	at := int64(10)
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
		p.get(at+7, id+20, "/b") // GETs go on beside
		p.headers(at+8, recv, id+20, true, ":status=204")
		at += 10
	}
	return pieces
}

// messages is the same on HTTP/1.1.
func messages(*testing.T) []piece {
	const post = "POST /a HTTP/1.1\r\nHost: goproxy.example\r\nContent-Length: 5\r\n\r\n"
	var pieces []piece
	for at := int64(10); at < 50; at += 10 {
		pieces = append(pieces,
			piece{at, send, []byte(post)},
			piece{at + 1, send, []byte("abcde")},
			piece{at + 2, recv, []byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")},
			piece{at + 3, recv, []byte("ab")},
			piece{at + 4, recv, []byte("cd")})
	}
	return pieces
}

// whole keeps the exchanges of a Tracker.
type whole struct {
	lines
	exchanges []Exchange
}

func (w *whole) Exchange(e *Exchange) { w.exchanges = append(w.exchanges, *e) }

func (w *whole) Request(int64, *Exchange) {}

// listen follows pieces, with the one numbered lost missing.
func listen(pieces []piece, lost int, unknown bool, by Ended) []Exchange {
	w := &whole{}
	w.tracker = New(Config{Scheme: "https", FromStart: true}, w)
	w.tracker.SetClient(send)
	c := decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, w)
	for i, p := range pieces {
		switch {
		case i != lost:
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

// TestLoss takes each piece out of a conversation that goes well. Whatever it was,
// no exchange has failed, and no time is another than it was.
func TestLoss(t *testing.T) {
	for name, say := range map[string]func(*testing.T) []piece{"HTTP/2": conversation, "HTTP/1.1": messages} {
		pieces := say(t)
		real := make(map[int64]Exchange) // by the time of their beginning
		for _, e := range listen(pieces, -1, false, EndedByPeer) {
			real[e.Start] = e
		}
		for lost := range pieces {
			for _, unknown := range []bool{false, true} {
				for _, by := range []Ended{EndedByPeer, EndedByProcess, NotEnded} {
					for _, e := range listen(pieces, lost, unknown, by) {
						if problem := differs(&e, real); problem != "" {
							t.Errorf("%s: without piece %d (unknown length %v, ended %d): stream %d: %s", name, lost, unknown, by, e.Stream, problem)
						}
					}
				}
			}
		}
	}
}

// differs says what of an exchange is not as it was.
func differs(e *Exchange, real map[int64]Exchange) string {
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
	for name, times := range map[string][2]int64{
		"request end": {e.RequestEnd, want.RequestEnd}, "response": {e.Response, want.Response},
		"response end": {e.ResponseEnd, want.ResponseEnd}, "end": {e.End, want.End},
	} {
		if times[0] != 0 && times[0] != times[1] {
			return fmt.Sprintf("%s at %d, want %d or unknown", name, times[0], times[1])
		}
	}
	return ""
}

// TestFailureAfterLoss has exchanges fail after a loss that cannot have hidden
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
