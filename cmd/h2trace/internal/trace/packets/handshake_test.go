package packets

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/tls/handshake"
)

// TestHelloOf has a ClientHello whose rest is in another packet, and payloads that are none.
func TestHelloOf(t *testing.T) {
	whole := hello(handshake.TypeClientHello, random{1})
	retry := "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
		"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c" // RFC 8446 §4.1.3
	got := make(map[string]bool)
	for name, payload := range map[string]string{
		"whole":          whole,
		"cut":            whole[:len(whole)-1],
		"random cut":     whole[:len(whole)-2],
		"application":    "\x17" + whole[1:],
		"other message":  hello(handshake.TypeServerHello, random{1}),
		"retry":          hello(handshake.TypeClientHello, random([]byte(retry))),
		"HTTP, no TLS":   strings.Repeat("GET / HTTP/1.1\r\n", 10),
		"nothing at all": "",
	} {
		r, ok := helloOf([]byte(payload), handshake.TypeClientHello)
		if got[name] = ok; ok && r != (random{1}) {
			t.Errorf("%s: random %x", name, r)
		}
	}
	want := map[string]bool{
		"whole": true, "cut": true, "random cut": false, "application": false, "other message": false,
		"retry": false, "HTTP, no TLS": false, "nothing at all": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzHelloOf takes any payload, as a peer may send it.
func FuzzHelloOf(f *testing.F) {
	f.Add([]byte(hello(handshake.TypeClientHello, random{1})), uint8(handshake.TypeClientHello))
	f.Add([]byte(hello(handshake.TypeServerHello, random{1})), uint8(handshake.TypeServerHello))
	f.Fuzz(func(t *testing.T, payload []byte, kind uint8) {
		r, ok := helloOf(payload, handshake.MessageType(kind))
		if ok && !strings.Contains(string(payload), string(r[:])) {
			t.Errorf("got %x", r)
		}
	})
}
