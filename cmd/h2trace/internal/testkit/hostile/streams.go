package hostile

import (
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// streamAttacks are streams without number.
var streamAttacks = []Conversation{
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
}
