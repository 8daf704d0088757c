package hostile

import (
	"encoding/binary"
	"iter"

	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

// mss is the payload of a segment at most.
const mss = 1448

// Packets returns the segments of a conversation on a connection of its own, a microsecond
// after another. Without its start, it lacks the handshake and the first bytes of the client. A
// packet is valid until the next one.
func (t *Talk) Packets(port uint16, start bool) iter.Seq[*capture.Packet] {
	return segmenter{port: port, to: 80, seq: [2]uint32{99, 499}}.packets(func(w *segmenter) {
		if start {
			w.connect()
		}
		for i, s := range t.Steps {
			if i == 0 && !start {
				s.Bytes = s.Bytes[min(len(s.Bytes), len(preface)):]
			}
			from := 1
			if s.FromClient {
				from = 0
			}
			for b := s.Bytes; len(b) > 0; b = b[min(len(b), mss):] {
				w.send(from, capture.ACK, b[:min(len(b), mss)])
			}
		}
	})
}

// segmenter makes the packets of a connection, or of the datagrams between two ports.
type segmenter struct {
	port   uint16 // of the client
	to     uint16 // of the server
	seq    [2]uint32
	at     ktime.Time
	packet capture.Packet
	buf    []byte
	yield  func(*capture.Packet) bool
	over   bool // nobody wants more packets
}

// packets returns what a function gives, from the same start each time.
func (w segmenter) packets(give func(w *segmenter)) iter.Seq[*capture.Packet] {
	return func(yield func(*capture.Packet) bool) {
		own := w
		own.yield = yield
		give(&own)
	}
}

// give gives a packet.
func (w *segmenter) give(p *capture.Packet) { w.over = w.over || !w.yield(p) }

// connect gives the handshake of TCP.
func (w *segmenter) connect() {
	w.send(0, capture.SYN, nil)
	w.send(1, capture.SYN|capture.ACK, nil)
	w.send(0, capture.ACK, nil)
}

// send gives the next segment of an endpoint: 0 is the client.
func (w *segmenter) send(from int, flags uint8, b []byte) {
	p := w.segment(from, w.seq[from], flags, b)
	w.seq[from] += uint32(len(b))
	if flags&capture.SYN != 0 {
		w.seq[from]++
	}
	w.give(p)
}

// segment returns a segment of TCP (RFC 9293 §3.1).
func (w *segmenter) segment(from int, seq uint32, flags uint8, payload []byte) *capture.Packet {
	b := w.ip(from, 6, 20, payload)
	binary.BigEndian.PutUint32(b[24:], seq)
	if flags&capture.ACK != 0 {
		binary.BigEndian.PutUint32(b[28:], w.seq[from^1])
	}
	b[32], b[33] = 5<<4, flags
	return &w.packet
}

// datagram returns a datagram of the client (RFC 768).
func (w *segmenter) datagram(payload []byte) *capture.Packet {
	b := w.ip(0, 17, 8, payload)
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
	return &w.packet
}

// ip returns the headers and the payload of the next packet of IPv4 (RFC 791 §3.1).
func (w *segmenter) ip(from int, protocol byte, header int, payload []byte) []byte {
	w.at += 1000
	b := append(w.buf[:0], make([]byte, 20+header)...)
	b = append(b, payload...)
	b[0], b[8], b[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12+4*from:], []byte{192, 0, 2, 1})
	copy(b[16-4*from:], []byte{192, 0, 2, 2})
	binary.BigEndian.PutUint16(b[20+2*from:], w.port)
	binary.BigEndian.PutUint16(b[22-2*from:], w.to)
	w.buf = b
	w.packet = capture.Packet{Time: w.at, Link: capture.LinkRaw, Data: b, Length: len(b)}
	return b
}
