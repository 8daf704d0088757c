//go:build linux

package bpf

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"

	"h2trace/bpf/layout"
)

// Errors of ReadTLS.
var (
	// ErrNoTLSState: there is no such connection any more, or not yet.
	ErrNoTLSState = errors.New("its memory holds no connection of crypto/tls")
	// ErrTLSMoving: the process changed the memory each time that it was read.
	ErrTLSMoving = errors.New("its keys change while they are read")
)

// tlsReads is how often ReadTLS reads memory until it is twice the same. While a record is
// protected, crypto/tls changes the nonce.
const tlsReads = 10

// ReadTLS reads the state of a connection. Nobody stops the process meanwhile: the keys are
// right if they open a record.
func (s *Spotting) ReadTLS(at *Spot) (*TLSState, error) {
	if at.layout == nil || !s.targets.runs(at.PID, at.Generation) {
		return nil, ErrNoTLSState
	}
	r := tlsReader{memory{at.PID}, at.Ptr, at.layout}
	var last *TLSState
	for range tlsReads {
		now, err := r.read()
		if err != nil {
			last.wipe()
			return nil, err
		}
		same := last != nil && last.sameKeys(now)
		last.wipe()
		if last = now; same {
			if !s.targets.runs(at.PID, at.Generation) {
				break
			}
			return now, nil
		}
	}
	last.wipe()
	return nil, ErrTLSMoving
}

func (s *TLSState) wipe() {
	if s != nil {
		s.Wipe()
	}
}

// sameKeys reports whether two states have the same keys.
func (s *TLSState) sameKeys(o *TLSState) bool {
	for d := range s.Keys {
		a, b := &s.Keys[d], &o.Keys[d]
		if !bytes.Equal(a.Secret, b.Secret) || !bytes.Equal(a.Key, b.Key) || !bytes.Equal(a.IV, b.IV) {
			return false
		}
	}
	return true
}

// tlsReader reads the memory of a tls.Conn, or a copy of it.
type tlsReader struct {
	from interface {
		read(b []byte, addr uint64) error
	}
	ptr    uint64
	layout *layout.TLS
}

// The offsets of the pointer in conn, and of isClient, and how far before vers is whether
// the handshake is complete, in every Go release from 1.18 to 1.27.
const connDataAt, isClientAt, completeBefore = 8, 16, 32

func (r *tlsReader) read() (*TLSState, error) {
	l := r.layout
	image := make([]byte, max(l.Version, l.Cipher, l.Resumed, l.ALPN+8, l.SNI+8)+8)
	if err := r.from.read(image, r.ptr); err != nil {
		return nil, ErrNoTLSState
	}
	u16 := func(at uint16) uint16 { return binary.LittleEndian.Uint16(image[at:]) }
	if binary.LittleEndian.Uint32(image[l.Version-completeBefore:]) == 0 {
		return nil, ErrNoTLSState // it may have the keys of the handshake
	}
	s := &TLSState{Version: u16(l.Version), Cipher: u16(l.Cipher), Resumed: image[l.Resumed] == 1, Role: RoleServer}
	if s.Version < oldestTLS || s.Version > newestTLS || s.Cipher == 0 || image[l.Resumed] > 1 || image[isClientAt] > 1 {
		return nil, ErrNoTLSState
	}
	s.Below = binary.LittleEndian.Uint64(image[connDataAt:])
	if image[isClientAt] == 1 {
		s.Role = RoleClient
	}
	s.ALPN, s.SNI = r.text(image[l.ALPN:], maxALPN), r.text(image[l.SNI:], maxSNI)
	for dir, at := range l.Halves() {
		if err := r.readHalf(s, &s.Keys[dir], r.ptr+uint64(at)); err != nil {
			s.Wipe()
			return nil, err
		}
	}
	return s, nil
}

// The longest strings that are read: names of protocols, and of hosts (RFC 1035 §2.3.4).
const maxALPN, maxSNI = 255, 255

// text reads the string whose header is given, "" where it is longer than most.
func (r *tlsReader) text(header []byte, most uint64) string {
	n := binary.LittleEndian.Uint64(header[8:])
	if n == 0 || n > most {
		return ""
	}
	b := make([]byte, n)
	if r.from.read(b, binary.LittleEndian.Uint64(header)) != nil {
		return ""
	}
	return string(b)
}

// readHalf reads a direction. Its version is 0 before it has keys.
func (r *tlsReader) readHalf(s *TLSState, k *TLSKeys, at uint64) error {
	l := &r.layout.Half
	image := make([]byte, max(l.Version+2, l.Cipher+16, l.Seq+8, l.Secret+24))
	if err := r.from.read(image, at); err != nil {
		return ErrNoTLSState
	}
	if binary.LittleEndian.Uint16(image[l.Version:]) != s.Version {
		return ErrNoTLSState
	}
	k.Number = binary.BigEndian.Uint64(image[l.Seq:])
	if s.Version == tls.VersionTLS13 {
		secret := image[l.Secret:]
		n := binary.LittleEndian.Uint64(secret[8:])
		if n == 0 || n > maxSecret {
			return ErrNoTLSState
		}
		k.Secret = make([]byte, n)
		if r.from.read(k.Secret, binary.LittleEndian.Uint64(secret)) != nil {
			return ErrNoTLSState
		}
		return nil
	}
	return r.readCipher(s, k, binary.LittleEndian.Uint64(image[l.Cipher+8:]))
}

// maxSecret is the size of the longest hash.
const maxSecret = 64

// aeadSuites are the AEAD suites of TLS 1.2 in crypto/tls, with the sizes of their key and
// IV.
var aeadSuites = map[uint16]struct{ key, iv int }{
	tls.TLS_RSA_WITH_AES_128_GCM_SHA256:               {16, 4},
	tls.TLS_RSA_WITH_AES_256_GCM_SHA384:               {32, 4},
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         {16, 4},
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:         {32, 4},
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:       {16, 4},
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       {32, 4},
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   {32, 12},
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: {32, 12},
}

// readCipher reads the cipher of a direction of TLS 1.2. That is a prefixNonceAEAD or
// xorNonceAEAD of crypto/tls: the IV in 12 bytes, and the AEAD as an interface.
func (r *tlsReader) readCipher(s *TLSState, k *TLSKeys, at uint64) error {
	sizes, ok := aeadSuites[s.Cipher]
	if !ok {
		s.Unread = "keys of " + tls.CipherSuiteName(s.Cipher) + " are not read"
		return nil
	}
	var b [32]byte
	if r.from.read(b[:], at) != nil {
		return ErrNoTLSState
	}
	defer clear(b[:])
	k.IV = bytes.Clone(b[:sizes.iv])
	k.Key = make([]byte, sizes.key)
	from := binary.LittleEndian.Uint64(b[24:])
	if sizes.iv == 4 {
		if from = r.expandedKey(from, sizes.key); from == 0 {
			s.Unread = "keys of this implementation of AES are not read"
			return nil
		}
	}
	if r.from.read(k.Key, from) != nil {
		return ErrNoTLSState
	}
	return nil
}

// expandedKey returns where the expanded key of an AES-GCM is, which begins with the key
// (FIPS 197 §5.2), or 0. Since Go 1.24 the object begins with the number of rounds and has
// it there; before, it begins with the slice of its words.
func (r *tlsReader) expandedKey(at uint64, key int) uint64 {
	var b [16]byte
	if r.from.read(b[:], at) != nil {
		return 0
	}
	first, second := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	switch {
	case first == uint64(key/4+6):
		return at + 8
	case second == uint64(key+28):
		return first
	}
	return 0
}
