package clienthello

// Reader gathers a ClientHello from the first bytes of a client, in any number of
// pieces and records (RFC 8446 §5.1). The zero value is ready. It holds at most
// maxLength bytes, and examines each once before it parses them.
type Reader struct {
	buf  []byte
	at   int     // bytes of the first incomplete record
	body int     // bytes of the handshake message in the complete ones
	head [4]byte // the first of these: type and length (RFC 8446 §4)
	over bool
}

// Take takes the next bytes, and keeps no reference to them. ok is true once, when
// the ClientHello is complete.
func (r *Reader) Take(b []byte) (o Offer, ok bool) {
	if r.over {
		return Offer{}, false
	}
	r.buf = append(r.buf, b[:min(len(b), maxLength-len(r.buf))]...)
	switch {
	case r.complete():
		o, ok = parse(r.buf)
		r.Stop()
	case len(r.buf) == maxLength:
		r.Stop()
	}
	return o, ok
}

// Over reports whether more bytes are useless: the ClientHello is complete, or there
// is none.
func (r *Reader) Over() bool { return r.over }

// Stop makes the Reader ignore further bytes.
func (r *Reader) Stop() { *r = Reader{over: true} }

// complete reports whether the handshake message is complete, or cannot be one.
func (r *Reader) complete() bool {
	const handshake, clientHello = 22, 1
	for len(r.buf) > r.at {
		record := r.buf[r.at:]
		if record[0] != handshake || len(record) > 1 && record[1] != 3 {
			return true
		}
		if len(record) < 5 {
			return false
		}
		n := 5 + int(record[3])<<8 + int(record[4])
		if len(record) < n {
			return false
		}
		copy(r.head[min(r.body, len(r.head)):], record[5:n])
		r.at, r.body = r.at+n, r.body+n-5
		if r.body > 0 && r.head[0] != clientHello {
			return true
		}
		length := int(r.head[1])<<16 | int(r.head[2])<<8 | int(r.head[3])
		if r.body >= len(r.head) && r.body >= len(r.head)+length {
			return true
		}
	}
	return false
}
