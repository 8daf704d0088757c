package quic

import (
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls/handshake"
)

// maxCrypto bounds the handshake bytes of one side that are taken. Endpoints need not
// take more than 4096 out of order (RFC 9000 §7.5).
const maxCrypto = 64 << 10

// cryptoStream is the CRYPTO frames of one side (RFC 9000 §7.5). Their offsets are as
// those of TCP segments: frames come in any order, and more than once.
type cryptoStream struct {
	frames   tcp.Stream
	ready    []byte // the next bytes in order
	messages handshake.Assembler
	over     bool
}

// add takes a frame. Its messages are next.
func (s *cryptoStream) add(f cryptoFrame, budget *tcp.Budget) {
	if s.over || f.offset+uint64(len(f.data)) > maxCrypto {
		return
	}
	s.ready = nil // the messages have it
	s.frames.Segment(0, f.offset, f.data, false, budget, s)
	if len(s.ready) > 0 {
		s.messages.Take(s.ready)
	}
}

// Data implements tcp.Sink.
func (s *cryptoStream) Data(_ ktime.Time, b []byte) { s.ready = append(s.ready, b...) }

// Missing implements tcp.Sink. Without those bytes nobody knows where a message begins.
func (s *cryptoStream) Missing(ktime.Time, uint64, tcp.Cause) { s.over = true }

// drop frees what a stream holds, and makes it take nothing more.
func (s *cryptoStream) drop(budget *tcp.Budget) {
	s.frames.Drop(budget)
	*s = cryptoStream{over: true}
}
