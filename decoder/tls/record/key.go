package record

// NewKey makes a Reader from the key and the IV that an endpoint uses, for an
// AEAD suite. The IV has 12 bytes; it is the salt of 4 bytes for AES-GCM in TLS
// 1.2. NewKey copies what it needs. The caller sets the number. Update does not
// work: an endpoint derives the next key from a secret, not from the key.
func NewKey(version Version, suite Suite, key, iv []byte) (*Reader, error) {
	info := suite.info
	if version == 0 || info.version != version || info.mac != 0 {
		return nil, &UnsupportedSuiteError{ID: suite.id, Version: version}
	}
	if err := checkLength("key", key, info.key); err != nil {
		return nil, err
	}
	if err := checkLength("IV", iv, info.ivSize()); err != nil {
		return nil, err
	}
	opener, err := newAEAD(info, key, iv)
	if err != nil {
		return nil, err
	}
	return &Reader{suite: suite, version: version, opener: opener}, nil
}
