package quic

import (
	"encoding/binary"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"h2trace/decoder/tcp"
)

// FuzzDatagrams gives a Flow any datagrams, and demands that it holds a bounded number of
// handshakes, and nothing after Close.
func FuzzDatagrams(f *testing.F) {
	for _, v := range vectors {
		client := seal(vectorKeys(f, v)[0], unhex(f, v.clientHeader), 2, padded(f))
		f.Add(client, unhex(f, v.server), []byte{0, 1, 0, 2})
	}
	f.Add(long(0xff00001d, "fiverseven", "self", make([]byte, 1200)), long(0xff00001d, "self", "server", nil), []byte{0, 3})
	f.Add(long(1, "fiverseven", "self", []byte{0xc0}), long(0, "self", "fiverseven", []byte{0, 0, 0, 1}), []byte{0, 3, 2})
	f.Fuzz(func(t *testing.T, a, b, order []byte) {
		flow := testFlow()
		for _, o := range order[:min(len(order), 32)] {
			d := a
			if o&1 != 0 {
				d = b
			}
			flow.Datagram(0, o&2 == 0, d)
			if len(flow.attempts) > maxAttempts {
				t.Fatalf("%d handshakes are held", len(flow.attempts))
			}
		}
		flow.Close()
		if *flow.budget != *tcp.NewBudget(1 << 20) {
			t.Errorf("bytes are held: %+v", flow.budget)
		}
	})
}

// FuzzFrames gives the payload of a packet of a client any frames.
func FuzzFrames(f *testing.F) {
	f.Add(padded(f))
	f.Add(unhex(f, serverPayload))
	f.Add([]byte{frameACKWithECN, 0, 0, 1, 0, 1, 1, 1, 1, 1, frameCrypto, 0xc0, 0, 0, 0, 0, 0, 0, 0, 1, 7})
	f.Fuzz(func(t *testing.T, frames []byte) {
		s := cryptobyte.String(frames)
		total := 0
		for c, ok := nextCrypto(&s); ok; c, ok = nextCrypto(&s) {
			total += len(c.data)
		}
		if total > len(frames) {
			t.Errorf("%d bytes of %d", total, len(frames))
		}
		flow := testFlow()
		a := &attempt{version: Version1}
		flow.enter(a)
		flow.opened(a, true, Version1, frames)
		flow.opened(a, false, Version1, frames)
		flow.Close()
	})
}

// FuzzOrder cuts a ClientHello into frames of any size, in any order and with repetitions,
// and demands that it is read.
func FuzzOrder(f *testing.F) {
	f.Add([]byte{10, 200, 3}, []byte{2, 0, 1})
	f.Fuzz(func(t *testing.T, sizes, order []byte) {
		hello := unhex(t, clientPayload)[4:]
		var frames []cryptoFrame
		for at := 0; at < len(hello); {
			n := len(hello) - at
			if i := len(frames); i < len(sizes) {
				n = min(n, max(1, int(sizes[i])))
			}
			frames = append(frames, cryptoFrame{uint64(at), hello[at : at+n]})
			at += n
		}
		flow, a := testFlow(), &attempt{version: Version2}
		flow.enter(a)
		give := func(c cryptoFrame) {
			flow.opened(a, true, Version2, cryptoOf(int(c.offset), c.data))
		}
		for _, o := range order {
			give(frames[int(o)%len(frames)])
		}
		for _, c := range frames {
			give(c)
		}
		if a.conn == nil || a.conn.ClientHello == nil || a.conn.ClientHello.SNI != "example.com" {
			t.Errorf("got %+v", a.conn)
		}
	})
}

// FuzzNumber demands that a packet number is found from its last bytes (RFC 9000 §A.3).
func FuzzNumber(f *testing.F) {
	f.Add(uint64(0xa82f30eb), int64(0x9b32-0x30eb), uint8(2))
	f.Fuzz(func(t *testing.T, expected uint64, ahead int64, size uint8) {
		n := int(size%4) + 1
		half := int64(1) << (8*n - 1)
		ahead %= half
		expected %= 1 << 61
		if ahead == -half || int64(expected)+ahead < 0 {
			return
		}
		number := uint64(int64(expected) + ahead)
		var full [8]byte
		binary.BigEndian.PutUint64(full[:], number)
		var last [8]byte
		copy(last[8-n:], full[8-n:])
		if got := decodePacketNumber(expected, binary.BigEndian.Uint64(last[:]), n); got != number {
			t.Errorf("expected %d, %d bytes of %d: got %d", expected, n, number, got)
		}
	})
}
