package exchange

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// legal has what comes near to each rule and breaks none.
func legal(t *testing.T) []piece {
	var pieces []piece
	p := newPeers(t, nil)
	p.hear = func(at ktime.Time, d decoder.Direction, b []byte) {
		pieces = append(pieces, piece{at, d, bytes.Clone(b)})
	}
	p.start(1 << 20)
	allowed(p)
	priority := func(id, on uint32) {
		p.say(10, send, func(f *http2.Framer) error { return f.WritePriority(id, http2.PriorityParam{StreamDep: on}) })
	}
	priority(9, 3) // idle
	asks(p, "GET")
	p.promise(11, 1, 2, ":method=HEAD", ":scheme=https", ":authority=a", ":path=/b")
	p.grant(12, send, 2, 10) // reserved
	p.headers(13, recv, 1, false, ":status=103")
	p.ok(14, 1, false)
	p.data(15, recv, 1, 4, false)
	p.headers(16, recv, 1, true, "x-sum=1")
	p.grant(17, send, 1, 10) // closed
	p.headers(18, recv, 2, true, ":status=200", "content-length=10")
	p.headers(20, send, 7, false, ":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/")
	p.ok(21, 7, false)
	p.data(22, send, 7, 3, false)
	p.data(23, recv, 7, 3, true)
	priority(1, 7) // closed
	p.data(24, send, 7, 0, true)
	// The server needs no more of the request. Its rest is under way.
	p.post(30, 9, "/c")
	p.headers(31, recv, 9, true, ":status=403", "content-length=0")
	p.reset(32, recv, 9, http2.ErrCodeNo)
	p.data(33, send, 9, 5, false)
	p.grant(33, send, 9, 10)
	p.headers(34, send, 9, true, "x-sum=1")
	p.reset(35, send, 9, http2.ErrCodeCancel)
	// The client needs no more of the response.
	p.get(40, 11, "/d")
	p.reset(41, send, 11, http2.ErrCodeCancel)
	p.headers(42, recv, 11, false, ":status=200", "content-length=9")
	p.data(43, recv, 11, 9, true)
	p.headers(50, send, 13, true, ":method=CONNECT", ":authority=a:443")
	p.headers(51, recv, 13, true, ":status=502", "content-length=0")
	for id := uint32(15); id < 23; id += 2 {
		p.headers(60, send, id, false, ":method=PUT", ":scheme=https", ":authority=a", ":path=/e", "te=trailers", fmt.Sprint("content-length=", id))
		p.data(61, send, id, int(id), false)
		p.headers(62, send, id, true, "x-sum=1")
		p.headers(63, recv, id, true, ":status=204", fmt.Sprint("x-etag=", id))
	}
	return pieces
}

// TestLegal has a conversation that breaks no rule, whatever of it was lost, and wherever it was
// joined.
func TestLegal(t *testing.T) {
	pieces := legal(t)
	for _, role := range []decoder.Role{decoder.Client, decoder.Server, decoder.RoleUnknown} {
		for from := range pieces {
			j := overhear(pieces, role, from, [2]int{-1, -1}, false)
			if len(j.broken) > 0 {
				t.Errorf("role %v, joined at %d: %q", role, from, j.broken)
			}
		}
		for i := range len(pieces) * len(pieces) {
			lost := [2]int{i / len(pieces), i % len(pieces)}
			if lost[0] > lost[1] {
				continue
			}
			for _, unknown := range []bool{false, true} {
				if j := overhear(pieces, role, 0, lost, unknown); len(j.broken) > 0 {
					t.Errorf("role %v, without pieces %d (unknown length %v): %q", role, lost, unknown, j.broken)
				}
			}
		}
	}
}

// overhear follows pieces from one on, without those numbered lost.
func overhear(pieces []piece, role decoder.Role, from int, lost [2]int, unknown bool) *judge {
	j := &judge{}
	j.tracker = New(Config{Scheme: "https", FromStart: from == 0}, j)
	c := decoder.NewConn(decoder.Config{Role: role, FromStart: from == 0}, j)
	turn := decoder.Send
	if role == decoder.Server {
		turn = decoder.Recv
	}
	for i, p := range pieces[from:] {
		p.dir ^= turn
		switch i += from; {
		case i != lost[0] && i != lost[1]:
			c.Data(p.at, p.dir, p.b)
		case unknown:
			c.Missed(p.dir)
			c.Gap(p.at, p.dir, -1)
		default:
			c.Gap(p.at, p.dir, int64(len(p.b)))
		}
	}
	c.Close(99)
	j.tracker.Close(99, EndedByPeer)
	return j
}
