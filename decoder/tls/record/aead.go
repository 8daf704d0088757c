package record

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	nonceSize         = 12
	explicitNonceSize = 8
	tagSize           = 16
)

// aead opens the records of an AEAD suite.
type aead struct {
	version Version
	cipher  cipher.AEAD
	block   cipher.Block    // AES of cipher; nil for ChaCha20-Poly1305
	iv      [nonceSize]byte // the salt and zeros for AES-GCM in TLS 1.2
	prefix  int             // size of the explicit nonce

	// Kept here because a slice that is passed to an interface escapes.
	nonce  [nonceSize]byte
	data   [13]byte
	lone   [aes.BlockSize]byte
	buffer []byte // ciphertext, or plaintext that find discards
	lazy   verifier
}

// newAEAD copies iv. Key and IV have the lengths that info states.
func newAEAD(info suiteInfo, key, iv []byte) (*aead, error) {
	a := &aead{version: info.version}
	copy(a.iv[:], iv)
	var err error
	if info.mode == chacha {
		a.cipher, err = chacha20poly1305.New(key)
		return a, err
	}
	if info.version == TLS12 {
		a.prefix = explicitNonceSize
	}
	if a.block, err = aes.NewCipher(key); err != nil {
		return nil, err
	}
	a.cipher, err = cipher.NewGCM(a.block)
	return a, err
}

func (a *aead) open(dst, record []byte, number uint64) ([]byte, bool) {
	body := record[HeaderSize:]
	if len(body) < a.prefix+tagSize {
		return nil, false
	}
	a.setNonce(body, number)
	out, err := a.cipher.Open(dst, a.nonce[:], body[a.prefix:], a.additionalData(record, number))
	return out, err == nil
}

// setNonce sets the nonce of the record with that body.
func (a *aead) setNonce(body []byte, number uint64) {
	a.nonce = a.iv
	if a.prefix > 0 { // RFC 5288 §3: the salt and the explicit nonce
		copy(a.nonce[nonceSize-explicitNonceSize:], body[:explicitNonceSize])
		return
	}
	// RFC 8446 §5.3, RFC 7905 §2: the IV and the padded number, by XOR
	low := a.nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^number)
}

// additionalData returns what a record authenticates beside its content. It is
// valid until the next call.
func (a *aead) additionalData(record []byte, number uint64) []byte {
	if a.version == TLS13 { // RFC 8446 §5.2: the header as it was sent
		return record[:HeaderSize]
	}
	size := len(record) - HeaderSize - a.prefix - tagSize
	return pseudoHeader(&a.data, record, number, size)
}

// pseudoHeader is what a TLS 1.2 record of a content of size bytes authenticates
// beside the content, RFC 5246 §6.2.3.1 and §6.2.3.3.
func pseudoHeader(data *[13]byte, record []byte, number uint64, size int) []byte {
	binary.BigEndian.PutUint64(data[:8], number)
	copy(data[8:11], record[:3]) // type and version
	binary.BigEndian.PutUint16(data[11:], uint16(size))
	return data[:]
}

func (a *aead) explicit() int { return a.prefix }

func (a *aead) overhead() int { return a.prefix + tagSize }

func (a *aead) wipe() {
	clear(a.iv[:])
	clear(a.nonce[:])
	clear(a.lone[:])
	a.lazy = verifier{}
	clear(a.buffer[:cap(a.buffer)])
	a.cipher, a.block, a.buffer = nil, nil, nil
}
