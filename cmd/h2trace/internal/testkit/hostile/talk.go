package hostile

import (
	"encoding/binary"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// preface begins each connection of HTTP/2 (RFC 9113 §3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Step is bytes that an endpoint sends in one go.
type Step struct {
	FromClient bool
	Bytes      []byte
}

// Talk is what two endpoints send each other.
type Talk struct {
	Steps  []Step
	Frames int
}

// say adds bytes. Those of one endpoint in a row become steps of some 16 kB.
func (t *Talk) say(fromClient bool, b ...byte) {
	if n := len(t.Steps); n > 0 && t.Steps[n-1].FromClient == fromClient && len(t.Steps[n-1].Bytes) < 16<<10 {
		t.Steps[n-1].Bytes = append(t.Steps[n-1].Bytes, b...)
		return
	}
	t.Steps = append(t.Steps, Step{fromClient, append([]byte(nil), b...)})
}

// text adds text.
func (t *Talk) text(fromClient bool, s string) { t.say(fromClient, []byte(s)...) }

// frame adds a frame (RFC 9113 §4.1).
func (t *Talk) frame(fromClient bool, typ wire.Type, flags uint8, stream uint32, payload ...byte) {
	n := len(payload)
	b := append(make([]byte, 0, 9+n), byte(n>>16), byte(n>>8), byte(n), byte(typ), flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	t.say(fromClient, append(b, payload...)...)
	t.Frames++
}

// begin adds what each connection begins with.
func (t *Talk) begin() {
	t.text(true, preface)
	for _, client := range []bool{true, false} {
		t.frame(client, wire.Settings, 0, 0)
	}
	for _, client := range []bool{true, false} {
		t.frame(client, wire.Settings, wire.FlagAck, 0)
	}
}

// open opens a stream, by a request that is complete if end is set.
func (t *Talk) open(stream uint32, end bool) {
	flags := wire.FlagEndHeaders
	if end {
		flags |= wire.FlagEndStream
	}
	t.frame(true, wire.Headers, flags, stream, get...)
}

// get is GET https://a/ of entries of the static table and a literal (RFC 7541 §6).
var get = []byte{0x82, 0x87, 0x84, 0x01, 1, 'a'}

func u16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// setting is one parameter of SETTINGS (RFC 9113 §6.5.1).
func setting(id uint16, value uint32) []byte { return append(u16(id), u32(value)...) }

func odd(i int) uint32 { return uint32(2*i + 1) }

// Answered adds a request with its response.
func (t *Talk) Answered(stream uint32) {
	t.open(stream, true)
	t.frame(false, wire.Headers, wire.FlagEndHeaders|wire.FlagEndStream, stream, 0x88)
}
