package packets

import (
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// helloRandom is where the random of a hello begins in its record: after the headers of the
// record and of the message, and the version (RFC 8446 §5.1, §4, §4.1.2).
const helloRandom = 5 + 4 + 2

// helloOf returns the random of the hello that begins a payload. A HelloRetryRequest is none:
// secrets follow another ClientHello.
func helloOf(payload []byte, kind handshake.MessageType) (r random, ok bool) {
	if len(payload) < helloRandom+len(r) || record.ContentType(payload[0]) != record.Handshake ||
		payload[1] != 3 || handshake.MessageType(payload[5]) != kind {
		return r, false
	}
	copy(r[:], payload[helloRandom:])
	hello := handshake.ServerHello{Random: r}
	return r, !hello.IsHelloRetryRequest()
}
