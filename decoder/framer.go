package decoder

// frameHeader is RFC 9113 §4.1.
type frameHeader struct {
	length uint32
	typ    Type
	flags  Flags
	stream uint32
}

func parseHeader(b []byte) frameHeader {
	return frameHeader{
		length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		typ:    Type(b[3]),
		flags:  Flags(b[4]),
		stream: streamID(b[5:]),
	}
}

// framer cuts the bytes of one direction into frames. It knows no connection: its
// caller decides whether a header can be one, and what the frame means.
//
// A frame takes readHeader until headed, begin, readPayload and miss until
// complete, finish, and release.
type framer struct {
	capture   int // how much of a DATA payload body collects
	header    [frameHeaderLen]byte
	gathered  int // bytes of header
	frame     frameHeader
	inPayload bool
	left      int64  // bytes of the payload still to come
	payload   []byte // a copy, of what came in several pieces
	whole     []byte // the caller's, of what came in one
	truncated bool   // bytes of the payload were lost
	hole      bool   // payload or body has ended before bytes not seen
	cut       bool   // the connection has ended before the payload, of which
	missing   uint32
	// crowdedOut says that the payload was let go of for the bound on all connections.
	crowdedOut bool
	body       bodyReader
}

// readHeader takes bytes of a frame header, and returns how many.
func (r *framer) readHeader(b []byte) int {
	n := copy(r.header[r.gathered:], b)
	r.gathered += n
	return n
}

// headed reports whether the header is complete.
func (r *framer) headed() bool { return r.gathered == frameHeaderLen }

// begin starts the frame whose header is complete.
func (r *framer) begin() {
	r.frame = parseHeader(r.header[:])
	r.gathered = 0
	r.inPayload = true
	r.left = int64(r.frame.length)
	r.payload = r.payload[:0]
	r.truncated, r.hole, r.crowdedOut = false, false, false
	if r.frame.typ == TypeData {
		r.body.begin(r.frame, r.capture)
	}
}

// readPayload takes bytes of the payload, and returns how many. Of a payload that
// is not DATA it keeps at most longest bytes; it copies them only when the payload
// does not lie in b whole.
func (r *framer) readPayload(b []byte, longest int) int {
	p := b[:min(r.left, int64(len(b)))]
	n := len(p)
	r.left -= int64(n)
	switch {
	case r.frame.typ == TypeData:
		r.body.read(p)
	case r.left == 0 && n == int(r.frame.length) && n <= longest:
		r.whole = p
	case !r.hole:
		if room := longest - len(r.payload); n > room {
			p, r.hole, r.truncated = p[:room], true, true
		}
		r.payload = append(r.payload, p...)
	}
	return n
}

// miss accounts for payload bytes that were not seen. lost says that they were
// not left out on purpose.
func (r *framer) miss(n int64, lost bool) {
	r.left -= n
	r.hole = true
	r.truncated = r.truncated || lost
	if r.frame.typ == TypeData {
		r.body.miss(n)
	}
}

// complete reports whether all of the payload went by.
func (r *framer) complete() bool { return r.inPayload && r.left == 0 }

// finish ends the frame that is complete, and returns what was seen of its payload,
// unless that is DATA. It is valid until release.
func (r *framer) finish() []byte {
	r.inPayload = false
	if r.whole != nil {
		return r.whole
	}
	return r.payload
}

// release lets go of the payload.
func (r *framer) release() {
	r.whole = nil
	if cap(r.payload) > keepBuffer {
		r.payload = nil
	}
}

// reset forgets the frame being read.
func (r *framer) reset() {
	r.gathered, r.inPayload = 0, false
	r.payload, r.whole = nil, nil
}

// letGo gives up the payload kept so far, if it is more than a frame may keep.
func (r *framer) letGo() {
	if cap(r.payload) > keepBuffer {
		r.payload, r.hole, r.truncated, r.crowdedOut = nil, true, true, true
	}
}

// next returns how far after the last byte the next frame begins. It is negative when
// some of its header was there.
func (r *framer) next() int64 {
	if r.inPayload {
		return r.left
	}
	return -int64(r.gathered)
}
