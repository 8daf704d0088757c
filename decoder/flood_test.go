package decoder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"h2trace/decoder/ktime"
)

// bounded returns a Conn with an open stream that may take 100 units at once and 10 more a
// second.
func bounded(r *recorder) *Conn {
	c := NewConn(Config{Role: Client, FromStart: true, Overhead: Overhead{Burst: 100, PerSecond: 10}}, r)
	for _, in := range handshake() {
		c.Data(in.at, in.dir, in.data)
	}
	c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82, 0x87, 0x84, 0x40, 1, 'a', 1, 'b'}))
	r.lines = nil
	return c
}

var aPing = wire(TypePing, 0, 0, []byte("12345678"))

// TestFlood counts a flood, and decodes again when it is over. What was counted makes unknown
// what it may have changed, and only that.
func TestFlood(t *testing.T) {
	r := &recorder{quiet: true}
	c := bounded(r)
	before := r.frames()
	for i := range 1000 {
		c.Data(ktime.Time(10+i), Recv, aPing)
	}
	c.Data(2000, Send, wire(TypeHeaders, FlagEndHeaders, 3, []byte{0x82, 0x87, 0x84, 0x40, 1, 'c', 1, 'd'}))
	decoded := r.frames() - before
	if decoded < 90 || decoded > 102 {
		t.Errorf("%d frames are decoded of a flood, want some 100", decoded)
	}
	if got := c.Frames(Recv) + c.Frames(Send); got != int64(r.frames()) {
		t.Errorf("%d frames are said to be reported, want %d", got, r.frames())
	}
	calm := ktime.Time(10 * time.Second)
	c.Data(calm, Recv, aPing)
	var last Frame
	c.sink = &keeper{last: &last}
	c.Data(calm, Send, wire(TypeHeaders, FlagEndHeaders, 5, []byte{0x82, 0x87, 0x84, 0xbe}))
	if last.HeadersError != afterFlood || last.Window.ConnSend.Known || last.Window.StreamRecv.Known || last.Violation != nil {
		t.Errorf("after a flood: got error %q, window %+v, violation %v; want unknown", last.HeadersError, last.Window, last.Violation)
	}
	c.sink = r
	c.Data(calm, Send, wire(TypeHeaders, FlagEndHeaders, 7, []byte{0x40, 1, 'e', 1, 'f'}))
	c.Data(calm, Send, wire(TypeHeaders, FlagEndHeaders, 9, []byte{0x82, 0xbe}))
	if got := r.headers[len(r.headers)-1]; len(got) != 2 || got[1].Name != "e" {
		t.Errorf("headers %v, want those in the table since", got)
	}
	want := fmt.Sprintf("flood at %d by recv|from %d to %d, send HEADERS 1/17, recv PING %d/%d",
		10+decoded-1, 10+decoded-1, calm, 1000-decoded, 17*(1000-decoded))
	if got := strings.Join(r.lines, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestFloodWithin cuts frames where floods begin and end, and where another one begins at once: of
// the other direction, and of a field block. Each frame is decoded or counted, once.
func TestFloodWithin(t *testing.T) {
	calm := ktime.Time(10 * time.Second)
	answer := wire(TypeHeaders, 0, 1, []byte{0x88})
	rest := wire(TypeContinuation, FlagEndHeaders, 1, []byte{0x40, 1, 'a', 1, 'b'})
	data := wire(TypeData, FlagEndStream, 1, make([]byte, 300))
	all := append(append(append([]byte(nil), answer...), rest...), data...)
	for begin := range all {
		for end := begin; end < len(all); end += 7 {
			r := &recorder{quiet: true}
			c := bounded(r)
			flood := func(at ktime.Time, n int) {
				for range n {
					c.Data(at, Send, aPing)
				}
			}
			c.Data(9, Recv, all[:begin])
			flood(10, 1000)
			c.Data(11, Recv, all[begin:end])
			again, rest := 1000*min(end%3, 1), calm // none, in it, after it
			if end%3 == 2 {
				rest = 2 * calm
			}
			flood(calm, again)
			c.Data(rest, Recv, all[end:])
			flood(2*calm, 1)
			c.Close(2 * calm)
			var decoded, counted, bytes int
			for _, line := range r.lines {
				for _, part := range strings.Split(line, ", ") {
					var dir, typ string
					var n, size int
					if _, err := fmt.Sscanf(part, "%s %s %d/%d", &dir, &typ, &n, &size); err == nil {
						counted, bytes = counted+n, bytes+size
					}
				}
			}
			decoded = r.frames() - 5 // of the handshake, and the request
			if want := 1004 + again; decoded+counted != want || len(r.violations) > 0 {
				t.Fatalf("flood from %d to %d: %d decoded, %d counted, want %d; violations %v; %v", begin, end, decoded, counted, want, r.violations, r.lines)
			}
		}
	}
}

// TestFloodEnds has units run off. A flood is over when half of the bound is free.
func TestFloodEnds(t *testing.T) {
	m := meter{bound: Overhead{Burst: 100, PerSecond: 10}}
	second := ktime.Time(time.Second)
	if m.take(second, 100); m.exceeded() {
		t.Error("the bound is exceeded by what it allows")
	}
	if m.take(second, 1000); !m.exceeded() {
		t.Error("the bound is not exceeded")
	}
	for _, tt := range []struct {
		at   ktime.Time
		calm bool
	}{{second, false}, {second / 2, false}, {6 * second, false}, {6*second + second/10 - 1, false}, {6*second + second/10, true}} {
		if got := m.calmAt(tt.at); got != tt.calm {
			t.Errorf("at %v: calm %v, %d units", time.Duration(tt.at), got, m.level)
		}
	}
	if m.take(7*second, -1000); m.level != 0 {
		t.Errorf("%d units after many were earned", m.level)
	}
}

// TestUseIsNoFlood has conversations of use at rates that no peer reaches: nothing runs off.
func TestUseIsNoFlood(t *testing.T) {
	const n = 10_000
	for name, say := range map[string]func(c *Conn, id uint32){
		"small requests": func(c *Conn, id uint32) {
			c.Data(2, Send, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte{0x82, 0x87, 0x84}))
			c.Data(2, Recv, wire(TypeHeaders, FlagEndHeaders, id, []byte{0x88}))
			c.Data(2, Recv, wire(TypeData, FlagEndStream, id, []byte("x")))
			c.Data(2, Send, wire(TypeWindowUpdate, 0, 0, []byte{0, 0, 0, 1}))
		},
		"posts without an answer to read": func(c *Conn, id uint32) {
			c.Data(2, Send, wire(TypeHeaders, FlagEndHeaders, id, []byte{0x83, 0x87, 0x84}))
			c.Data(2, Send, wire(TypeData, 0, id, []byte("x")))
			c.Data(2, Send, wire(TypeData, FlagEndStream, id, nil))
			c.Data(2, Recv, wire(TypeWindowUpdate, 0, 0, []byte{0, 0, 0, 1}))
			c.Data(2, Recv, wire(TypeWindowUpdate, 0, id, []byte{0, 0, 0, 1}))
			c.Data(2, Recv, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte{0x89}))
		},
		"messages of a byte in a stream, each granted and pinged": func(c *Conn, _ uint32) {
			c.Data(2, Recv, wire(TypeData, 0, 1, []byte("x")))
			c.Data(2, Send, wire(TypeWindowUpdate, 0, 0, []byte{0, 0, 0, 1}))
			c.Data(2, Send, wire(TypeWindowUpdate, 0, 1, []byte{0, 0, 0, 1}))
			c.Data(2, Send, aPing)
			c.Data(2, Recv, wire(TypePing, FlagAck, 0, []byte("12345678")))
		},
		"answers reset after their end": func(c *Conn, id uint32) {
			c.Data(2, Send, wire(TypeHeaders, FlagEndHeaders, id, []byte{0x83, 0x87, 0x84}))
			c.Data(2, Recv, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte{0x8d}))
			c.Data(2, Recv, wire(TypeRSTStream, 0, id, []byte{0, 0, 0, 0}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{quiet: true}
			c := bounded(r)
			for i := range uint32(n) {
				say(c, 2*i+3)
			}
			if len(r.lines) > 0 {
				t.Error(r.lines)
			}
		})
	}
}

// TestFloodSplit has floods begin and end in input that is cut anywhere.
func TestFloodSplit(t *testing.T) {
	inputs := handshake()
	add := func(at int, d Direction, data ...byte) {
		inputs = append(inputs, input{at: ktime.Time(at) * ktime.Time(time.Second), dir: d, data: data})
	}
	add(1, Send, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82, 0x87, 0x84})...)
	for i := range 8 {
		add(2+8*i, Recv, bytes.Repeat(aPing, 30+9*i)...)
		add(2+8*i, Send, wire(TypeData, 0, 1, make([]byte, 50*i))...)
		add(2+8*i, Recv, wire(TypeHeaders, 0, 1, []byte{0x88})...)
		add(2+8*i, Recv, append(wire(TypeContinuation, FlagEndHeaders, 1, nil), wire(TypeGoAway, 0, 0, make([]byte, 700))[:300]...)...)
		add(2+8*i, Recv, make([]byte, 409)...)
	}
	cfg := Config{Role: Client, FromStart: true, Overhead: Overhead{Burst: 50, PerSecond: 8}}
	got := decodeEveryWay(t, cfg, inputs, 20)
	if n := strings.Count(strings.Join(got.lines, "\n"), "flood at"); n < 3 || len(got.violations) > 0 {
		t.Errorf("%d floods, want several; violations %v", n, got.violations)
	}
}
