package handshake

import (
	"bytes"
	"runtime"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// hostile are inputs with n of something that costs more to keep than to send.
var hostile = map[string]struct {
	input func(n int) []byte
	parse func([]byte)
}{
	"protocols": {
		func(n int) []byte {
			n = min(n, 16000)
			return helloWith(extALPN, func(b *cryptobyte.Builder) {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat([]byte("\x02ab"), n)) })
			})
		},
		func(b []byte) { _, _ = ParseClientHello(b) },
	},
	"identities": {
		func(n int) []byte {
			return helloWith(extPreSharedKey, func(b *cryptobyte.Builder) {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat([]byte{0, 1, 1, 0, 0, 0, 0}, min(n, 9000))) })
				b.AddUint16(0)
			})
		},
		func(b []byte) { _, _ = ParseClientHello(b) },
	},
	"malformed extensions": {
		func(n int) []byte {
			var b cryptobyte.Builder
			b.AddBytes(make([]byte, 2+32+1+2+1))
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat([]byte{0, 16, 0, 0}, min(n, 16000))) })
			return b.BytesOrPanic()
		},
		func(b []byte) { _, _ = ParseClientHello(b) },
	},
	"attributes": {
		func(n int) []byte { return nameOf(n, "x", false) },
		func(b []byte) { _, _ = ParseNames(b) },
	},
	"attributes in one set": {
		func(n int) []byte { return nameOf(n, "x", true) },
		func(b []byte) { _, _ = ParseNames(b) },
	},
	"characters that do not print": {
		func(n int) []byte { return nameOf(1, string(make([]byte, n)), false) },
		func(b []byte) { _, _ = ParseNames(b) },
	},
	"empty sets": {
		func(n int) []byte {
			return certificateOf(func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat([]byte{0x31, 0}, n)) })
		},
		func(b []byte) { _, _ = ParseNames(b) },
	},
}

// helloWith returns a ClientHello with one extension.
func helloWith(x extension, data cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddBytes(make([]byte, 2+32+1+2+1))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(x))
		b.AddUint16LengthPrefixed(data)
	})
	return b.BytesOrPanic()
}

// nameOf returns a certificate whose issuer has n attributes, each in a set or all in
// one.
func nameOf(n int, value string, together bool) []byte {
	attribute := func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier([]int{2, 5, 4, 99})
			b.AddASN1(der.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
		})
	}
	return certificateOf(func(b *cryptobyte.Builder) {
		if together {
			b.AddASN1(der.SET, func(b *cryptobyte.Builder) {
				for range n {
					attribute(b)
				}
			})
			return
		}
		for range n {
			b.AddASN1(der.SET, attribute)
		}
	})
}

// certificateOf returns the beginning of a certificate, up to the subject.
func certificateOf(issuer cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			for _, add := range []cryptobyte.BuilderContinuation{
				func(*cryptobyte.Builder) {}, issuer, func(*cryptobyte.Builder) {}, func(*cryptobyte.Builder) {},
			} {
				b.AddASN1(der.SEQUENCE, add)
			}
		})
	})
	return b.BytesOrPanic()
}

// TestMemory demands that no input costs more memory than a multiple of its length.
func TestMemory(t *testing.T) {
	for name, h := range hostile {
		b := h.input(15000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.parse(b)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes allocated for %d", name, allocated, len(b))
		if most := uint64(40*len(b) + 1<<16); allocated > most {
			t.Errorf("%s: %d bytes are allocated for %d", name, allocated, len(b))
		}
	}
}
