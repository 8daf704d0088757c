package record

import (
	"crypto"
	"crypto/hkdf"
	"hash"
)

// NewTLS13 makes the Reader of the direction that secret belongs to, for
// example SERVER_TRAFFIC_SECRET_0 of a key log. It copies secret, which is as
// long as the hash of the suite.
func NewTLS13(suite Suite, secret []byte) (*Reader, error) {
	if suite.info.version != TLS13 {
		return nil, &UnsupportedSuiteError{ID: suite.id, Version: TLS13}
	}
	if err := checkLength("traffic secret", secret, suite.info.hash.Size()); err != nil {
		return nil, err
	}
	r := &Reader{suite: suite, version: TLS13, secret: append([]byte(nil), secret...)}
	if err := r.derive(); err != nil {
		return nil, err
	}
	return r, nil
}

// derive replaces key and IV with those of the secret, RFC 8446 §7.3.
func (r *Reader) derive() error {
	info := r.suite.info
	key, err := ExpandLabel(info.hash, r.secret, "key", info.key)
	if err != nil {
		return err
	}
	defer clear(key)
	iv, err := ExpandLabel(info.hash, r.secret, "iv", info.ivSize())
	if err != nil {
		return err
	}
	defer clear(iv)
	opener, err := newAEAD(info, key, iv)
	if err != nil {
		return err
	}
	if r.opener != nil {
		r.opener.wipe()
	}
	r.opener, r.number = opener, 0
	return nil
}

// Update goes on to the next generation of keys, RFC 8446 §7.2, as an endpoint
// does after its KeyUpdate message. The next record has the number 0. It returns
// ErrNoSecret, and changes nothing, unless NewTLS13 made the Reader.
func (r *Reader) Update() error {
	if len(r.secret) == 0 {
		return ErrNoSecret
	}
	next, err := ExpandLabel(r.suite.info.hash, r.secret, "traffic upd", len(r.secret))
	if err != nil {
		return err
	}
	last := r.secret
	r.secret = next
	if err := r.derive(); err != nil {
		clear(next)
		r.secret = last
		return err
	}
	clear(last)
	return nil
}

// ExpandLabel is HKDF-Expand-Label of RFC 8446 §7.1 with an empty context.
func ExpandLabel(h crypto.Hash, secret []byte, label string, size int) ([]byte, error) {
	const prefix = "tls13 "
	info := make([]byte, 0, 2+1+len(prefix)+len(label)+1)
	info = append(info, byte(size>>8), byte(size), byte(len(prefix)+len(label)))
	info = append(info, prefix...)
	info = append(info, label...)
	info = append(info, 0)
	return hkdf.Expand(func() hash.Hash { return h.New() }, secret, string(info), size)
}

// innerPlaintext parts a TLSInnerPlaintext into content and type. Zeros follow
// the type, which itself is not zero, RFC 8446 §5.4.
func innerPlaintext(inner []byte) ([]byte, ContentType, error) {
	// RFC 8446 §5.4: with type and padding it has at most 2^14+1 bytes.
	if len(inner) > MaxPlaintext+1 {
		clear(inner)
		return nil, Invalid, ErrTooLong
	}
	for i := len(inner) - 1; i >= 0; i-- {
		if inner[i] != 0 {
			return inner[:i], ContentType(inner[i]), nil
		}
	}
	return nil, Invalid, ErrNoContentType
}
