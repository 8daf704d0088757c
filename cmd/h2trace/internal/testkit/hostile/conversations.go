package hostile

import (
	"slices"

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
var Conversations = slices.Concat(streamAttacks, controlAttacks, fieldAttacks, http1Attacks)

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
