package packets

import "bytes"

const (
	recordHandshake = 22 // RFC 8446 §5.1
	clientHello     = 1  // RFC 8446 §4
	serverHello     = 2
	// helloRandom is where the random of a hello begins in its record: after the headers of
	// the record and of the message, and the version (RFC 8446 §4.1.2, §4.1.3).
	helloRandom = 5 + 4 + 2
)

// retryRandom is that of a HelloRetryRequest (RFC 8446 §4.1.3): secrets follow another
// ClientHello.
var retryRandom = random{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// helloOf returns the random of the hello that begins a payload.
func helloOf(payload []byte, kind byte) (r random, ok bool) {
	if len(payload) < helloRandom+len(r) || payload[0] != recordHandshake || payload[1] != 3 || payload[5] != kind {
		return r, false
	}
	copy(r[:], payload[helloRandom:])
	return r, !bytes.Equal(r[:], retryRandom[:])
}
