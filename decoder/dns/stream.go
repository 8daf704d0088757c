package dns

import "encoding/binary"

// maxStream bounds the bytes kept per direction of a TCP connection: the longest
// message and its length field (RFC 7766 §8).
const maxStream = 2 + 1<<16

// stream splits one direction of a TCP connection into messages. Packets come in the
// order in which the kernel took them. It skips retransmitted bytes, and ends at
// missing ones.
type stream struct {
	begun, broken bool
	next          uint32 // sequence number
	buf           []byte
}

// segment takes a segment of length bytes and returns the messages that it completes.
func (s *stream) segment(seq uint32, b []byte, length int) (messages [][]byte) {
	if !s.begun {
		s.begun, s.next = true, seq
	}
	old := int32(s.next - seq)
	switch {
	case s.broken || old >= 0 && int(old) >= length:
		return nil
	case old < 0 || len(b) < length || len(s.buf)+len(b) > 2*maxStream:
		s.broken, s.buf = true, nil
		return nil
	}
	s.next += uint32(length) - uint32(old)
	s.buf = append(s.buf, b[old:]...)
	for len(s.buf) >= 2 {
		n := 2 + int(binary.BigEndian.Uint16(s.buf))
		if len(s.buf) < n {
			break
		}
		messages = append(messages, s.buf[2:n])
		s.buf = s.buf[n:]
	}
	return messages
}
