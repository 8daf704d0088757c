package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// kind is one way to protect a record, and an endpoint's half of it, written
// from the RFCs and not from this package.
type kind struct {
	name    string
	version Version
	suite   uint16
	key     int
	iv      int // of the key schedule
}

var kinds = []kind{
	{"TLS13-AES-128-GCM", TLS13, 0x1301, 16, 12},
	{"TLS13-AES-256-GCM", TLS13, 0x1302, 32, 12},
	{"TLS13-ChaCha20-Poly1305", TLS13, 0x1303, 32, 12},
	{"TLS12-AES-128-GCM", TLS12, 0xc02f, 16, 4},
	{"TLS12-AES-256-GCM", TLS12, 0xc030, 32, 4},
	{"TLS12-ChaCha20-Poly1305", TLS12, 0xcca8, 32, 12},
	{"TLS12-AES-128-CBC-SHA", TLS12, 0xc013, 16, 0},
	{"TLS12-AES-256-CBC-SHA", TLS12, 0xc014, 32, 0},
	{"TLS12-AES-128-CBC-SHA256", TLS12, 0xc027, 16, 0},
	{"TLS12-3DES-EDE-CBC-SHA", TLS12, 0xc012, 24, 0},
}

func (k kind) aead() bool { return k.iv != 0 }

// sealer protects records as an endpoint does.
type sealer struct {
	kind
	keyBytes, ivBytes, macKey []byte
	explicitNonce             func(number uint64) uint64 // of AES-GCM in TLS 1.2
}

func newSealer(k kind) *sealer {
	s := &sealer{kind: k, keyBytes: pattern(k.key, 1), ivBytes: pattern(k.iv, 101), macKey: pattern(20, 201)}
	if k.suite == 0xc027 {
		s.macKey = pattern(32, 201)
	}
	s.explicitNonce = func(number uint64) uint64 { return number }
	return s
}

// pattern returns size bytes that depend on seed.
func pattern(size int, seed byte) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = seed + byte(i*7)
	}
	return b
}

// reader returns what opens the records of the sealer.
func (s *sealer) reader(t testing.TB) *Reader {
	t.Helper()
	suite, ok := SuiteByID(s.suite)
	if !ok {
		t.Fatalf("suite %#04x is unknown", s.suite)
	}
	var r *Reader
	var err error
	if s.aead() {
		r, err = NewKey(s.version, suite, s.keyBytes, s.ivBytes)
	} else {
		r, err = newReader12(suite, s.macKey, s.keyBytes, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// seal protects content. Padding is the zeros after a TLS 1.3 type, or the value
// of the last byte of a CBC record plus one, 0 for the least.
func (s *sealer) seal(typ ContentType, content []byte, number uint64, padding int) []byte {
	switch {
	case s.version == TLS13:
		inner := append(append([]byte(nil), content...), byte(typ))
		return s.sealInner(ApplicationData, append(inner, make([]byte, padding)...), number)
	case s.aead():
		return s.sealAEAD12(typ, content, number)
	}
	return s.sealCBC(typ, content, number, padding)
}

// sealInner protects a TLSInnerPlaintext. Outer is what the header says.
func (s *sealer) sealInner(outer ContentType, inner []byte, number uint64) []byte {
	record := header(outer, len(inner)+16)
	return s.cipher().Seal(record, s.xorNonce(number), inner, record)
}

func (s *sealer) sealAEAD12(typ ContentType, content []byte, number uint64) []byte {
	data := binary.BigEndian.AppendUint64(nil, number)
	data = append(data, header(typ, len(content))...)
	if s.iv == 12 {
		return s.cipher().Seal(header(typ, len(content)+16), s.xorNonce(number), content, data)
	}
	nonce := binary.BigEndian.AppendUint64(append([]byte(nil), s.ivBytes...), s.explicitNonce(number))
	record := append(header(typ, 8+len(content)+16), nonce[4:]...)
	return s.cipher().Seal(record, nonce, content, data)
}

func (s *sealer) sealCBC(typ ContentType, content []byte, number uint64, padding int) []byte {
	plain := s.authenticate(typ, content, number)
	if padding == 0 {
		block := s.block().BlockSize()
		padding = block - len(plain)%block
	}
	for range padding {
		plain = append(plain, byte(padding-1))
	}
	return s.encrypt(typ, plain, number)
}

// authenticate returns content and MAC.
func (s *sealer) authenticate(typ ContentType, content []byte, number uint64) []byte {
	newHash := sha1.New
	if s.suite == 0xc027 {
		newHash = func() hash.Hash { return sha256.New() }
	}
	mac := hmac.New(newHash, s.macKey)
	mac.Write(binary.BigEndian.AppendUint64(nil, number))
	mac.Write(header(typ, len(content)))
	mac.Write(content)
	return mac.Sum(append([]byte(nil), content...))
}

// encrypt makes a record of content, MAC and padding.
func (s *sealer) encrypt(typ ContentType, plain []byte, number uint64) []byte {
	block := s.block()
	iv := pattern(block.BlockSize(), byte(number))
	record := append(header(typ, len(iv)+len(plain)), iv...)
	body := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(body, plain)
	return append(record, body...)
}

// block is made once for each record, and so is cipher: the tests are not about
// the speed of either.
func (s *sealer) block() cipher.Block {
	newBlock := aes.NewCipher
	if s.suite == 0xc012 {
		newBlock = des.NewTripleDESCipher
	}
	block, err := newBlock(s.keyBytes)
	if err != nil {
		panic(err)
	}
	return block
}

func header(typ ContentType, size int) []byte {
	return []byte{byte(typ), 3, 3, byte(size >> 8), byte(size)}
}

func (s *sealer) cipher() cipher.AEAD {
	var c cipher.AEAD
	var err error
	if s.suite == 0x1303 || s.suite == 0xcca8 {
		c, err = chacha20poly1305.New(s.keyBytes)
	} else {
		c, err = cipher.NewGCM(s.block())
	}
	if err != nil {
		panic(err)
	}
	return c
}

func (s *sealer) xorNonce(number uint64) []byte {
	nonce := append([]byte(nil), s.ivBytes...)
	for i := range 8 {
		nonce[11-i] ^= byte(number >> (8 * i))
	}
	return nonce
}
