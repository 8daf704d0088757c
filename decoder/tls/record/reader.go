package record

// A Reader opens the records that one endpoint of a connection sent under one
// secret. It is not safe for concurrent use.
type Reader struct {
	suite   Suite
	version Version
	number  uint64
	secret  []byte // traffic secret of the current generation; TLS 1.3 only
	opener  opener // nil after Wipe
}

// opener undoes the protection of records under one key. It has no number.
type opener interface {
	// open appends to dst what was protected, and returns false unless record
	// verifies under number. The length of record is what its header states.
	open(dst, record []byte, number uint64) ([]byte, bool)
	// find returns the first number in [from, from+n) that record verifies
	// under. The sum does not overflow.
	find(record []byte, from, n uint64) (uint64, bool)
	// explicit is the size of what precedes the ciphertext in the body.
	explicit() int
	// overhead is the size of explicit part, tag, MAC and padding.
	overhead() int
	wipe()
}

// Open verifies record, which is one whole record with its header, under the
// current number. It appends the content to dst and returns that with its type.
// The number then grows by one. After an error the Reader is as it was, and
// nothing of the record is returned.
//
// The content may replace the ciphertext: dst is record[r.Offset():][:0] then.
// Such a record is lost when it does not verify. No other overlap of dst's
// capacity with record is allowed. Open allocates only to grow dst, and for a CBC
// suite a buffer that it keeps.
//
// In TLS 1.3, padding and inner content type are removed. A change_cipher_spec
// record is never protected there, so Open gives ErrNotOpened for it.
func (r *Reader) Open(dst, record []byte) (plaintext []byte, typ ContentType, err error) {
	if err := r.check(record); err != nil {
		return nil, Invalid, err
	}
	out, ok := r.opener.open(dst, record, r.number)
	if !ok {
		return nil, Invalid, ErrNotOpened
	}
	typ = ContentType(record[0])
	if r.version == TLS13 {
		var content []byte
		if content, typ, err = innerPlaintext(out[len(dst):]); err != nil {
			return nil, Invalid, err
		}
		out = out[:len(dst)+len(content)]
	}
	if len(out)-len(dst) > MaxPlaintext {
		clear(out[len(dst):])
		return nil, Invalid, ErrTooLong
	}
	r.number++
	return out, typ, nil
}

// check returns why record cannot be opened whatever its number is.
func (r *Reader) check(record []byte) error {
	if len(record) < HeaderSize {
		return ErrLength
	}
	size := int(record[3])<<8 | int(record[4])
	limit := MaxCiphertext12
	if r.version == TLS13 {
		limit = MaxCiphertext13
	}
	switch {
	case size > limit:
		return ErrTooLong
	case len(record) != HeaderSize+size:
		return ErrLength
	case r.opener == nil: // after Wipe
		return ErrNotOpened
	case r.version == TLS13 && ContentType(record[0]) != ApplicationData:
		return ErrNotOpened // RFC 8446 §5.2: the outer type is always 23
	}
	return nil
}

// Find returns the first of the n numbers from `from` on that record verifies
// under. It changes nothing: SetNumber with the result lets Open open the record.
//
// AES-GCM in TLS 1.3 gives the number away, so that n costs nothing there. In
// TLS 1.2 it costs a try for each candidate, except where the explicit nonce is
// the number, as crypto/tls has it. ChaCha20-Poly1305 costs a try for each
// candidate, CBC an HMAC. A try costs what Open does; the caller bounds n. The
// Reader keeps a buffer as long as the longest such record.
func (r *Reader) Find(record []byte, from, n uint64) (number uint64, ok bool) {
	if from != 0 {
		n = min(n, -from) // numbers end at 2^64-1
	}
	if n == 0 || r.check(record) != nil {
		return 0, false
	}
	return r.opener.find(record, from, n)
}

// Number returns the number that the next record is opened under. The first
// record of a generation has the number 0.
func (r *Reader) Number() uint64 { return r.number }

// SetNumber sets the number that the next record is opened under.
func (r *Reader) SetNumber(number uint64) { r.number = number }

// Suite returns the cipher suite.
func (r *Reader) Suite() Suite { return r.suite }

// Offset returns where in a record the ciphertext begins: after the header and
// the explicit nonce or IV.
func (r *Reader) Offset() int {
	if r.opener == nil {
		return HeaderSize
	}
	return HeaderSize + r.opener.explicit()
}

// Overhead returns how many bytes a record has more than its content, with the
// header, and in TLS 1.3 with the byte of the inner content type. That is exact
// for an AEAD suite; a TLS 1.3 endpoint may add padding, which crypto/tls does
// not. For a CBC suite it is the most that the least padding makes; RFC 5246
// §6.2.3.2 allows an endpoint to pad with up to 256 bytes.
func (r *Reader) Overhead() int {
	if r.opener == nil {
		return HeaderSize
	}
	size := HeaderSize + r.opener.overhead()
	if r.version == TLS13 {
		size++
	}
	return size
}

// Wipe zeroes the secret, the IV and the plaintext that the Reader holds. It
// drops the objects of crypto/aes, crypto/des, crypto/hmac and
// chacha20poly1305. They keep the key, expanded or not, until the garbage
// collector reuses their memory: no API zeroes it. A wiped Reader opens nothing.
func (r *Reader) Wipe() {
	clear(r.secret)
	r.secret = nil
	if r.opener != nil {
		r.opener.wipe()
		r.opener = nil
	}
}
