package hostile

import (
	"bytes"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// controlAttacks are frames that carry nothing, and what are no frames.
var controlAttacks = []Conversation{
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
}
