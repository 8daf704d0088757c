package hostile

import (
	"bytes"
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// fieldAttacks are field blocks (RFC 9113 §4.3).
var fieldAttacks = []Conversation{
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
