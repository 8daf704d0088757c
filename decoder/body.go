package decoder

// bodyReader follows the payload of a DATA frame: Pad Length, data, padding
// (RFC 9113 §6.1).
type bodyReader struct {
	padded    bool
	padKnown  bool
	pad       int64
	length    int64
	at        int64 // offset in the payload
	capture   int64
	hole      bool
	collected []byte
}

func (r *bodyReader) begin(h frameHeader, capture int) {
	c := r.collected[:0]
	if cap(c) > keepBuffer {
		c = nil
	}
	*r = bodyReader{
		padded:    h.flags.Has(FlagPadded),
		length:    int64(h.length),
		capture:   int64(capture),
		collected: c,
	}
	r.padKnown = !r.padded
}

// dataLength returns the length of the data, or false when the padding exceeds the
// payload. It requires padKnown.
func (r *bodyReader) dataLength() (int64, bool) {
	n := r.length - r.pad
	if r.padded {
		n--
	}
	return max(n, 0), n >= 0
}

func (r *bodyReader) read(p []byte) {
	if r.padded && r.at == 0 && len(p) > 0 {
		r.pad, r.padKnown = int64(p[0]), true
		r.at, p = 1, p[1:]
	}
	start := r.at
	r.at += int64(len(p))
	if r.capture == 0 || r.hole || !r.padKnown {
		return
	}
	n, _ := r.dataLength()
	if r.padded {
		start--
	}
	if want := min(n, r.capture) - start; want > 0 {
		r.collected = append(r.collected, p[:min(want, int64(len(p)))]...)
	}
}

// wants reports whether the next byte of the payload is one that counts: the length of the
// padding, or one that is collected.
func (r *bodyReader) wants() bool {
	if !r.padKnown {
		return true
	}
	n, _ := r.dataLength()
	return !r.hole && int64(len(r.collected)) < min(n, r.capture)
}

// miss skips n bytes that were not seen. The collected body ends before them.
func (r *bodyReader) miss(n int64) {
	r.at += n
	r.hole = r.hole || n > 0
}
