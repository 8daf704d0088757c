package handshake

import "slices"

const (
	// maxMessage bounds the body of a message that is kept. It is what crypto/tls
	// accepts of the longest, a certificate.
	maxMessage = 262144
	// headerLen is the length of the type and length of a message (RFC 8446 §4).
	headerLen = 4
)

// Message is a handshake message.
type Message struct {
	Type MessageType
	// Body is without the header. It is valid until the next call of a method of
	// the Assembler.
	Body []byte
	// Truncated says that the body was longer than an Assembler keeps. Body is nil.
	Truncated bool
}

// Assembler cuts the handshake records of one direction into messages: a record may
// have many, and a message may span records (RFC 8446 §5.1). The zero value is
// ready. It holds the bytes of one incomplete message that have come, never room for
// those announced.
type Assembler struct {
	data  []byte // not yet cut
	owned bool   // data is a copy; else it is the caller's
	long  MessageType
	left  int // bytes of the message of type long still to skip
}

// Take takes the payload of the next record. The caller calls Next until it reports
// false; until then it leaves b as it is. A message that is complete in b is not copied.
func (a *Assembler) Take(b []byte) {
	if len(a.data) == 0 {
		a.data, a.owned = b, false
		return
	}
	if !a.owned { // append must not write to the caller's array
		a.data = slices.Clip(a.data)
	}
	a.data, a.owned = append(a.data, b...), true
}

// Next returns the next complete message. ok is false when none is left.
func (a *Assembler) Next() (m Message, ok bool) {
	if a.left == 0 {
		if len(a.data) < headerLen {
			return a.wait()
		}
		t, n := MessageType(a.data[0]), int(a.data[1])<<16|int(a.data[2])<<8|int(a.data[3])
		if n <= maxMessage {
			end := headerLen + n
			if len(a.data) < end {
				return a.wait()
			}
			m = Message{Type: t, Body: a.data[headerLen:end:end]}
			a.data = a.data[end:]
			return m, true
		}
		a.long, a.left, a.data = t, n, a.data[headerLen:]
	}
	n := min(a.left, len(a.data))
	a.data, a.left = a.data[n:], a.left-n
	if a.left > 0 {
		return a.wait()
	}
	return Message{Type: a.long, Truncated: true}, true
}

// wait keeps the bytes of an incomplete message, and nothing else.
func (a *Assembler) wait() (Message, bool) {
	switch {
	case len(a.data) == 0:
		a.data, a.owned = nil, false
	case !a.owned:
		a.data, a.owned = slices.Clone(a.data), true
	}
	return Message{}, false
}

// Pending reports whether bytes of a message that Next has not returned are here.
func (a *Assembler) Pending() bool { return len(a.data) > 0 || a.left > 0 }

// Reset forgets an incomplete message, as after lost bytes.
func (a *Assembler) Reset() { *a = Assembler{} }
