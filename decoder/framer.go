package decoder

// frameHeader is a frame header (RFC 9113 §4.1).
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

// framer splits the bytes of one direction into frames. It knows no connection: its
// caller decides whether a header is plausible, and interprets the frame.
//
// The calls for a frame are readHeader until headed, begin, readPayload and miss until
// complete, finish, and release.
type framer struct {
	capture   int // bytes of a DATA payload that body collects
	header    [frameHeaderLen]byte
	gathered  int // bytes of header
	frame     frameHeader
	inPayload bool
	left      int64  // bytes of the payload still to come
	payload   []byte // a copy, if it came in several pieces
	whole     []byte // the caller's slice, if it came in one piece
	truncated bool   // bytes of the payload were lost
	hole      bool   // payload or body ends before unseen bytes
	cut       bool   // the connection ended inside the payload, of which
	missing   uint32
	// crowdedOut says that the Budget of all connections took the payload.
	crowdedOut bool
	body       bodyReader
	// counting says that the frames that begin are counted, and counted that the frame
	// being read is: nothing of its payload is kept. tallied says that it is in the tally
	// of a Flood that has ended meanwhile.
	counting, counted, tallied bool
}

// readHeader takes bytes of a frame header and returns their number.
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
	r.counted, r.tallied = r.counting, false
	if r.frame.typ == TypeData {
		r.body.begin(r.frame, r.capture)
	}
}

// readPayload takes bytes of the payload and returns their number. It keeps at most
// longest bytes of a payload that is not DATA, and copies them only if b does not hold
// the whole payload.
func (r *framer) readPayload(b []byte, longest int) int {
	p := b[:min(r.left, int64(len(b)))]
	n := len(p)
	r.left -= int64(n)
	switch {
	case r.counted:
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

// miss accounts for n unseen payload bytes. lost says that they were not left out on
// purpose.
func (r *framer) miss(n int64, lost bool) {
	r.left -= n
	r.hole = true
	r.truncated = r.truncated || lost
	if r.frame.typ == TypeData {
		r.body.miss(n)
	}
}

// unread returns how many of the next bytes say nothing: the rest of a DATA payload, if
// none of it is wanted, or of a payload that is counted.
func (r *framer) unread() int64 {
	if r.inPayload && r.counted {
		return r.left
	}
	if !r.inPayload || r.frame.typ != TypeData || r.body.wants() {
		return 0
	}
	return r.left
}

// complete reports whether the payload has ended.
func (r *framer) complete() bool { return r.inPayload && r.left == 0 }

// finish ends a complete frame and returns the bytes of its payload that were seen, nil
// for DATA. They are valid until release.
func (r *framer) finish() []byte {
	r.inPayload = false
	if r.whole != nil {
		return r.whole
	}
	return r.payload
}

// release drops the payload.
func (r *framer) release() {
	r.whole = nil
	if cap(r.payload) > keepBuffer {
		r.payload = nil
	}
}

// reset drops the frame being read.
func (r *framer) reset() {
	r.gathered, r.inPayload = 0, false
	r.payload, r.whole = nil, nil
}

// letGo drops the payload kept so far, if it exceeds the share of each frame.
func (r *framer) letGo() {
	if cap(r.payload) > keepBuffer {
		r.payload, r.hole, r.truncated, r.crowdedOut = nil, true, true, true
	}
}
