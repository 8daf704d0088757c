package hostile

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"h2trace/decoder/capture"
)

// Flood is an attack by packets: what they carry is not the point.
type Flood struct {
	Name string
	N    int // packets, as in Conversation
	Of   func(n int) iter.Seq[*capture.Packet]
}

// Floods are the attacks by packets.
var Floods = slices.Concat(segmentFloods, recordFloods, datagramFloods)

// segments is traffic on a connection that has begun.
func segments(each func(w *segmenter, n int)) func(int) iter.Seq[*capture.Packet] {
	return func(n int) iter.Seq[*capture.Packet] {
		return segmenter{port: 40000, to: 80, seq: [2]uint32{99, 499}}.packets(func(w *segmenter) {
			w.connect()
			each(w, n)
		})
	}
}

// placed gives segments of a byte of the client, at offsets.
func placed(offset func(i, n int) int) func(int) iter.Seq[*capture.Packet] {
	return segments(func(w *segmenter, n int) {
		w.send(0, capture.ACK, []byte(preface))
		for i := range n {
			w.give(w.segment(0, w.seq[0]+uint32(offset(i, n)), capture.ACK, []byte{0}))
		}
	})
}

// connections have the first bytes of a client each.
func connections(to uint16, first func(i int) []byte) func(int) iter.Seq[*capture.Packet] {
	return func(n int) iter.Seq[*capture.Packet] {
		return segmenter{to: to}.packets(func(w *segmenter) {
			for i := range n {
				w.port, w.seq = uint16(i), [2]uint32{uint32(i), 5}
				w.connect()
				w.send(0, capture.ACK, first(i))
			}
		})
	}
}

var segmentFloods = []Flood{
	{"a byte a segment", 1_000, placed(func(i, _ int) int { return i })},
	{"a byte a segment, in pairs turned around", 1_000, placed(func(i, _ int) int { return i ^ 1 })},
	{"a byte a segment, every other one missing", 1_000, placed(func(i, _ int) int { return 2*i + 1 })},
	{"a byte a segment, every other one missing, downwards", 1_000, placed(func(i, n int) int { return 2*(n-i) + 1 })},
	{"a byte a segment, downwards", 1_000, placed(func(i, n int) int { return n - i })},
	{"a byte a segment, anywhere", 1_000, placed(func(i, _ int) int { return i * 7919 % 1_000_003 })},
	{"the same segment again", 1_000, placed(func(int, int) int { return 1 })},
	{"acknowledgments of what was not sent", 1_000, segments(func(w *segmenter, n int) {
		w.send(0, capture.ACK, []byte(preface))
		for range n {
			w.seq[1] += 8
			w.send(0, capture.ACK, []byte("12345678"))
		}
	})},
	{"connections", 1_000, func(n int) iter.Seq[*capture.Packet] {
		return segmenter{to: 80}.packets(func(w *segmenter) {
			for i := range n {
				w.port = uint16(i)
				w.give(w.segment(0, uint32(i), capture.SYN, nil))
			}
		})
	}},
	{"connections with a request each", 1_000, connections(80, func(int) []byte { return []byte(request) })},
}

// hello is a record with a ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2).
func hello(random byte) []byte {
	b := append([]byte{1, 0, 0, 41, 3, 3}, bytes.Repeat([]byte{random}, 32)...)
	b = append(b, 0, 0, 2, 0xc0, 0x2f, 1, 0)
	return record(22, b)
}

// record is a TLS record (RFC 8446 §5.1).
func record(typ byte, b []byte) []byte {
	return append([]byte{typ, 3, 3, byte(len(b) >> 8), byte(len(b))}, b...)
}

// afterHello sends pieces of the client after its ClientHello.
func afterHello(piece func(i int) []byte) func(int) iter.Seq[*capture.Packet] {
	return segments(func(w *segmenter, n int) {
		w.send(0, capture.ACK, hello(1))
		for i := range n {
			w.send(0, capture.ACK, piece(i))
		}
	})
}

var recordFloods = []Flood{
	{"TLS: empty records of data", 1_000, afterHello(func(int) []byte { return bytes.Repeat(record(23, nil), 10) })},
	{"TLS: empty records of the handshake", 1_000, afterHello(func(int) []byte { return bytes.Repeat(record(22, nil), 10) })},
	{"TLS: the handshake in bytes", 1_000, afterHello(func(i int) []byte { return record(22, []byte{16, 0, 255, 255}[min(i, 3):][:1]) })},
	{"TLS: ChangeCipherSpec", 1_000, afterHello(func(int) []byte { return bytes.Repeat(record(20, []byte{1}), 10) })},
	{"TLS: alerts", 1_000, afterHello(func(int) []byte { return bytes.Repeat(record(21, []byte{1, 0}), 10) })},
	{"TLS: ClientHellos", 1_500, afterHello(func(i int) []byte { return hello(byte(i)) })},
	{"TLS: records that do not open", 1_500, afterHello(func(int) []byte { return record(23, make([]byte, 1000)) })},
	{"TLS: records of no length", 1_000, afterHello(func(int) []byte { return []byte{23, 3, 3, 0xff, 0xff} })},
	{"TLS: handshakes", 1_500, connections(443, func(i int) []byte { return hello(byte(i)) })},
}

// datagrams is traffic of UDP, each from another port.
func datagrams(to uint16, payload func(i int) []byte) func(int) iter.Seq[*capture.Packet] {
	return func(n int) iter.Seq[*capture.Packet] {
		return segmenter{to: to}.packets(func(w *segmenter) {
			for i := range n {
				w.port = uint16(i)
				w.give(w.datagram(payload(i)))
			}
		})
	}
}

// initial is an Initial packet of QUIC that does not open (RFC 9000 §17.2.2).
func initial(i int) []byte {
	b := []byte{0xc0, 0, 0, 0, 1, 8}
	b = binary.BigEndian.AppendUint64(b, uint64(i))
	b = append(b, 0, 0, 0x44, 0x80)
	return append(b, make([]byte, 1200-len(b))...)
}

var datagramFloods = []Flood{
	{"QUIC: Initial packets with an id each", 1_000, datagrams(443, initial)},
	{"QUIC: Initial packets between two addresses", 1_000, func(n int) iter.Seq[*capture.Packet] {
		return segmenter{port: 40000, to: 443}.packets(func(w *segmenter) {
			for i := range n {
				w.give(w.datagram(initial(i)))
			}
		})
	}},
	{"DNS: queries", 1_000, datagrams(53, func(i int) []byte {
		return append(binary.BigEndian.AppendUint16(nil, uint16(i)), "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01"...)
	})},
	{"DNS: names that point to themselves", 1_000, datagrams(53, func(i int) []byte {
		b := append(binary.BigEndian.AppendUint16(nil, uint16(i)), "\x81\x80\x00\x01\x00\x40\x00\x00\x00\x00"...)
		return append(b, bytes.Repeat([]byte("\x3faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc0\x0c"), 20)...)
	})},
	{"DNS: a message in bytes", 1_000, func(n int) iter.Seq[*capture.Packet] {
		return segmenter{port: 40000, to: 53}.packets(func(w *segmenter) {
			w.connect()
			w.send(0, capture.ACK, []byte{0xff, 0xff})
			for range n {
				w.send(0, capture.ACK, []byte{0})
			}
		})
	}},
}
