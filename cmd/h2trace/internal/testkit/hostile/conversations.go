package hostile

import (
	"bytes"
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Conversation is one kind of attack.
type Conversation struct {
	Name string
	// N is a size at which the attack shows what it can do, in frames, requests or lines.
	N int
	// Talk adds an attack of size n to a conversation without a byte.
	Talk func(t *Talk, n int)
}

// Of returns the attack of size n.
func (c *Conversation) Of(n int) *Talk {
	t := &Talk{}
	c.Talk(t, n)
	return t
}

// http2 is an attack on a connection that has begun.
func http2(attack func(t *Talk, n int)) func(*Talk, int) {
	return func(t *Talk, n int) {
		t.begin()
		attack(t, n)
	}
}

// repeated is an attack that repeats a frame.
func repeated(fromClient bool, typ wire.Type, flags uint8, stream uint32, payload ...byte) func(*Talk, int) {
	return http2(func(t *Talk, n int) {
		t.open(1, false)
		for range n {
			t.frame(fromClient, typ, flags, stream, payload...)
		}
	})
}

const (
	client, server = true, false
	end            = wire.FlagEndStream
	block          = wire.FlagEndHeaders
)

const (
	headerTableSize   = 1
	initialWindowSize = wire.SettingInitialWindowSize
	maxFrameSize      = 5
)

// Conversations are the attacks that HTTP carries.
var Conversations = append(http2Attacks, http1Attacks...)

var http2Attacks = []Conversation{
	{"open streams", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), false)
		}
	})},
	{"a request on each of many streams", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), true)
		}
	})},
	{"DATA on open streams, in turn", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), false)
		}
		for i := range n {
			t.frame(client, wire.Data, 0, odd(i), 'x')
		}
	})},
	{"rapid reset", 1_000, http2(func(t *Talk, n int) { // CVE-2023-44487
		for i := range n {
			t.open(odd(i), true)
			t.frame(client, wire.RSTStream, 0, odd(i), u32(8)...)
		}
	})},
	{"reset by the server", 1_000, http2(func(t *Talk, n int) { // CVE-2025-8671
		for i := range n {
			t.open(odd(i), true)
			t.frame(client, wire.WindowUpdate, 0, odd(i), u32(0)...)
			t.frame(server, wire.RSTStream, 0, odd(i), u32(1)...)
		}
	})},
	{"reset of streams that are not open", 6_000, http2(func(t *Talk, n int) {
		t.open(odd(n), false)
		for i := range n {
			t.frame(client, wire.RSTStream, 0, odd(i), u32(8)...)
		}
	})},
	{"promises", 6_000, http2(func(t *Talk, n int) {
		t.open(1, true)
		for i := range n {
			t.frame(server, wire.PushPromise, block, 1, append(u32(uint32(2*i+2)), get...)...)
		}
	})},
	{"streams without end, then GOAWAY again and again", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), true)
			t.frame(server, wire.GoAway, 0, 0, append(u32(1<<31-1), u32(0)...)...)
		}
	})},
	{"GOAWAY that names one stream less each time", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), true)
		}
		for i := range n {
			t.frame(server, wire.GoAway, 0, 0, append(u32(odd(n-i)), u32(0)...)...)
		}
	})},
	{"settings", 1_000, repeated(server, wire.Settings, 0, 0, setting(3, 100)...)},
	{"empty settings", 1_000, repeated(client, wire.Settings, 0, 0)},
	{"settings and acknowledgments", 1_000, http2(func(t *Talk, n int) {
		for range n {
			t.frame(server, wire.Settings, 0, 0)
			t.frame(client, wire.Settings, wire.FlagAck, 0)
		}
	})},
	{"acknowledgments of nothing", 1_000, repeated(client, wire.Settings, wire.FlagAck, 0)},
	{"unacknowledged settings, then frames", 1_000, http2(func(t *Talk, n int) {
		for range 64 {
			t.frame(server, wire.Settings, 0, 0, setting(maxFrameSize, 1<<24-1)...)
		}
		for range n {
			t.frame(client, wire.Ping, 0, 0, u64...)
		}
	})},
	{"settings of thousands of parameters", 8_000, http2(func(t *Talk, n int) {
		for range n / 1000 {
			t.frame(server, wire.Settings, 0, 0, bytes.Repeat(setting(0x7777, 1), 1000)...)
		}
	})},
	{"initial windows, with many streams open", 6_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), false)
		}
		t.frame(server, wire.WindowUpdate, 0, 1, u32(0x7f000000)...)
		for i := range n {
			t.frame(server, wire.Settings, 0, 0, setting(initialWindowSize, uint32(1<<31-1-i&1))...)
		}
	})},
	{"initial windows that overflow, then do not", 500, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), false)
		}
		for i := range n {
			t.frame(server, wire.WindowUpdate, 0, odd(i), u32(0x7f000000)...)
			t.frame(server, wire.RSTStream, 0, odd(i), u32(8)...)
			t.frame(server, wire.Settings, 0, 0, append(setting(initialWindowSize, 1<<31-1), setting(initialWindowSize, 100)...)...)
			t.frame(client, wire.Settings, wire.FlagAck, 0)
			t.frame(server, wire.Settings, 0, 0, setting(initialWindowSize, 100)...)
		}
	})},
	{"ping", 1_000, repeated(server, wire.Ping, 0, 0, u64...)},
	{"priority", 1_000, http2(func(t *Talk, n int) {
		for i := range n { // a chain of dependencies, turned around each time
			t.frame(client, wire.Priority, 0, odd(i), append(u32(1<<31|odd(i+1)), 255)...)
		}
	})},
	{"priority updates", 1_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.frame(client, wire.PriorityUpdate, 0, 0, append(u32(odd(i)), "u=1"...)...)
		}
	})},
	{"windows that overflow", 1_000, repeated(server, wire.WindowUpdate, 0, 0, u32(1<<31-1)...)},
	{"grants of a byte", 1_000, repeated(server, wire.WindowUpdate, 0, 1, u32(1)...)},
	{"stalls", 1_000, http2(func(t *Talk, n int) {
		t.open(1, true)
		t.frame(server, wire.Headers, block, 1, 0x88)
		t.frame(server, wire.Data, 0, 1, make([]byte, 16384)...)
		t.frame(server, wire.Data, 0, 1, make([]byte, 16384)...)
		t.frame(server, wire.Data, 0, 1, make([]byte, 16384)...)
		t.frame(server, wire.Data, 0, 1, make([]byte, 16383)...)
		for range n {
			t.frame(client, wire.WindowUpdate, 0, 0, u32(1)...)
			t.frame(client, wire.WindowUpdate, 0, 1, u32(1)...)
			t.frame(server, wire.Data, 0, 1, 0)
		}
	})},
	{"empty DATA", 1_000, repeated(client, wire.Data, 0, 1)},
	{"DATA of padding", 1_000, repeated(client, wire.Data, wire.FlagPadded, 1, append([]byte{255}, make([]byte, 255)...)...)},
	{"empty CONTINUATION", 1_000, http2(func(t *Talk, n int) { // CVE-2024-27316
		t.frame(client, wire.Headers, 0, 1)
		for range n {
			t.frame(client, wire.Continuation, 0, 1)
		}
	})},
	{"CONTINUATION of a byte", 1_000, http2(func(t *Talk, n int) {
		t.frame(client, wire.Headers, 0, 1, 0, 127, 0xff, 0xff, 0xff, 0x7f) // a name of 2^28 bytes
		for range n {
			t.frame(client, wire.Continuation, 0, 1, 'a')
		}
	})},
	{"CONTINUATION of a field each", 1_000, http2(func(t *Talk, n int) {
		t.frame(client, wire.Headers, 0, 1, get...)
		for range n {
			t.frame(client, wire.Continuation, 0, 1, 0x40, 1, 'a', 1, 'b')
		}
		t.frame(client, wire.Continuation, block, 1)
	})},
	{"CONTINUATION without end, 16 kB each", 100, http2(func(t *Talk, n int) {
		t.frame(client, wire.Headers, 0, 1, 0, 127, 0xff, 0xff, 0xff, 0x7f)
		for range n {
			t.frame(client, wire.Continuation, 0, 1, make([]byte, 16384)...)
		}
	})},
	{"stray CONTINUATION", 1_000, repeated(client, wire.Continuation, block, 1, 0x82)},
	{"trailers again and again", 1_000, http2(func(t *Talk, n int) {
		t.open(1, false)
		for range n {
			t.frame(client, wire.Headers, block, 1, 0, 1, 'a', 1, 'b')
		}
	})},
	{"interim responses", 1_000, http2(func(t *Talk, n int) {
		t.open(1, true)
		for range n {
			t.frame(server, wire.Headers, block, 1, 0x08, 3, '1', '0', '3')
		}
	})},
	{"HPACK bomb", 2, http2(func(t *Talk, n int) { // CVE-2016-6581
		value := bytes.Repeat([]byte{'v'}, 3500)
		t.frame(client, wire.Headers, block, 1, append(append(get, 0x40, 1, 'n', 127, 0xad, 26), value...)...)
		for i := range n {
			t.frame(client, wire.Headers, block, odd(i+1), append(get, bytes.Repeat([]byte{0xbe}, 1000)...)...)
		}
	})},
	{"HPACK insertions and evictions", 40, http2(func(t *Talk, n int) {
		for i := range n {
			t.frame(client, wire.Headers, block, odd(i), append(get, bytes.Repeat([]byte{0x40, 1, 'a', 0}, 1000)...)...)
		}
	})},
	{"HPACK table sizes, up and down", 40, http2(func(t *Talk, n int) {
		for i := range n {
			sizes := bytes.Repeat([]byte{0x20, 0x3f, 0xe1, 0x1f}, 1000)
			t.frame(client, wire.Headers, block, odd(i), append(sizes, append(get, 0x40, 1, 'a', 0)...)...)
		}
	})},
	{"HPACK integers that overflow", 1_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.frame(client, wire.Headers, block, odd(i), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
		}
	})},
	{"many small fields", 20, http2(func(t *Talk, n int) {
		for i := range n {
			t.frame(client, wire.Headers, block, odd(i), append(get, bytes.Repeat([]byte{0x10, 1, 'a', 0}, 4000)...)...)
		}
	})},
	{"cookies in crumbs", 20, http2(func(t *Talk, n int) {
		for i := range n {
			t.frame(client, wire.Headers, block, odd(i), append(get, bytes.Repeat([]byte{0x1f, 17, 3, 'a', '=', 'b'}, 2500)...)...)
		}
	})},
	{"a frame of megabytes", 1_000, http2(func(t *Talk, n int) {
		t.frame(server, wire.Settings, 0, 0, setting(maxFrameSize, 1<<24-1)...)
		t.frame(client, wire.Settings, wire.FlagAck, 0)
		t.frame(client, wire.Headers, 0, 1, make([]byte, n<<10)...)
		t.frame(client, wire.Continuation, block, 1)
	})},
	{"frames of no type", 1_000, repeated(client, wire.Type(0x77), 0xff, 1<<31-1)},
	{"origins", 8_000, http2(func(t *Talk, n int) {
		for range n / 1000 {
			t.frame(server, wire.Origin, 0, 0, make([]byte, 2000)...)
		}
	})},
	{"GOAWAY with a long reason", 1_000, http2(func(t *Talk, n int) {
		for range n {
			t.frame(server, wire.GoAway, 0, 0, append(make([]byte, 8), bytes.Repeat([]byte{'"'}, 2000)...)...)
		}
	})},
	{"junk after the preface", 20_000, func(t *Talk, n int) {
		t.begin()
		t.say(client, noise(n)...)
	}},
	{"junk that resembles frames", 1_000, func(t *Talk, n int) {
		t.text(client, "\x00\x00\x00")
		for i := range n {
			t.say(client, 0, 0, byte(i%7), byte(i%9), 0, 0, 0, 0, byte(i|1))
			t.say(client, noise(i%5)...)
		}
	}},
	{"paths of modules", 1_000, http2(func(t *Talk, n int) {
		for i := range n {
			path := fmt.Sprintf("/example.com/m%d/@v/v1.0.%d.info", i, i)
			t.frame(client, wire.Headers, block|end, odd(i), append([]byte{0x82, 0x87, 0x01, 1, 'a', 0x04, byte(len(path))}, path...)...)
			t.frame(client, wire.RSTStream, 0, odd(i), u32(8)...)
		}
	})},
	{"the same refused request", 1_000, http2(func(t *Talk, n int) {
		for i := range n {
			t.open(odd(i), true)
			t.frame(server, wire.RSTStream, 0, odd(i), u32(7)...)
		}
	})},
	{"a long path, refused", 100, http2(func(t *Talk, n int) {
		path := append([]byte{0x82, 0x87, 0x01, 1, 'a', 0x04, 127, 0xc9, 62, '/'}, bytes.Repeat([]byte{'%', '2', 'F', '?', '&', '=', 'a', '@'}, 1000)...)
		path = append(path, bytes.Repeat([]byte{'/'}, 71)...)
		for i := range n {
			t.frame(client, wire.Headers, block|end, odd(i), path...)
			t.frame(server, wire.RSTStream, 0, odd(i), u32(7)...)
		}
	})},
}

var u64 = []byte("12345678")

// noise is n bytes without a pattern, always the same.
func noise(n int) []byte {
	b, x := make([]byte, n), uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
