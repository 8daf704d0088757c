package clienthello

import (
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// maxLength bounds the bytes that a Reader takes: those of the longest record (RFC 8446
// §5.1).
const maxLength = record.HeaderSize + record.MaxPlaintext

// Reader finds the ClientHello in the first bytes of a client, in any number of pieces
// and records (RFC 8446 §5.1). The zero value is ready. It holds at most maxLength bytes.
type Reader struct {
	buf      []byte // an incomplete record
	messages handshake.Assembler
	taken    int // bytes
	over     bool
}

// Take takes the next bytes, and keeps no reference to them. ok is true once, when
// the ClientHello is complete.
func (r *Reader) Take(b []byte) (o Offer, ok bool) {
	if r.over {
		return Offer{}, false
	}
	b = b[:min(len(b), maxLength-r.taken)]
	r.taken += len(b)
	r.buf = append(r.buf, b...)
	for {
		fragment, whole := r.fragment()
		if !whole {
			break
		}
		r.messages.Take(fragment)
		if m, ok := r.messages.Next(); ok {
			r.Stop()
			return offer(m)
		}
	}
	if r.taken == maxLength || !isHandshake(r.buf) {
		r.Stop()
	}
	return Offer{}, false
}

// Over reports whether more bytes are useless: the ClientHello is complete, or there
// is none.
func (r *Reader) Over() bool { return r.over }

// Stop makes the Reader ignore further bytes.
func (r *Reader) Stop() { *r = Reader{over: true} }

// fragment removes the next handshake record and returns what it holds. ok is false if it
// is incomplete, or another record.
func (r *Reader) fragment() (b []byte, ok bool) {
	if len(r.buf) < record.HeaderSize || !isHandshake(r.buf) {
		return nil, false
	}
	end := record.HeaderSize + int(r.buf[3])<<8 + int(r.buf[4])
	if len(r.buf) < end {
		return nil, false
	}
	b, r.buf = r.buf[record.HeaderSize:end], r.buf[end:]
	return b, true
}

// isHandshake reports whether b may begin a handshake record of any version. Its major
// version is 3 in all of them (RFC 8446 §5.1).
func isHandshake(b []byte) bool {
	const major = 3
	return len(b) == 0 || record.ContentType(b[0]) == record.Handshake && (len(b) == 1 || b[1] == major)
}
