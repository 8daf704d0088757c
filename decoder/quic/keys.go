package quic

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"h2trace/decoder/tls/record"
)

const (
	keySize    = 16 // AEAD_AES_128_GCM (RFC 9001 §5.2)
	ivSize     = 12
	sampleSize = 16
)

// keys open the Initial packets of one side.
type keys struct {
	aead             cipher.AEAD
	iv               [ivSize]byte
	headerProtection cipher.Block // RFC 9001 §5.4.3
	next             uint64       // after the largest packet number so far
}

// newKeys derives the keys of both sides, client first, from the Destination Connection ID
// of the first Initial packet (RFC 9001 §5.2). Everybody can.
func newKeys(v *versionSpec, dcid []byte) (both [2]*keys, err error) {
	secret, err := hkdf.Extract(sha256.New, dcid, v.initialSalt[:])
	if err != nil {
		return both, err
	}
	for i, label := range []string{"client in", "server in"} {
		side, err := record.ExpandLabel(crypto.SHA256, secret, label, sha256.Size)
		if err != nil {
			return both, err
		}
		if both[i], err = keysOf(v, side); err != nil {
			return both, err
		}
	}
	return both, nil
}

// keysOf derives the keys of one side from its secret (RFC 9001 §5.1).
func keysOf(v *versionSpec, secret []byte) (*keys, error) {
	k := new(keys)
	key, err := record.ExpandLabel(crypto.SHA256, secret, v.labelPrefix+"key", keySize)
	if err != nil {
		return nil, err
	}
	iv, err := record.ExpandLabel(crypto.SHA256, secret, v.labelPrefix+"iv", ivSize)
	if err != nil {
		return nil, err
	}
	copy(k.iv[:], iv)
	hp, err := record.ExpandLabel(crypto.SHA256, secret, v.labelPrefix+"hp", keySize)
	if err != nil {
		return nil, err
	}
	if k.headerProtection, err = aes.NewCipher(hp); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	k.aead, err = cipher.NewGCM(block)
	return k, err
}

// open removes header protection (RFC 9001 §5.4) and opens a packet (§5.3). It returns
// the frames, in memory of their own.
func (k *keys) open(p *packet) (frames []byte, ok bool) {
	const longest = 4 // packet number
	if len(p.b) < p.pnOffset+longest+sampleSize {
		return nil, false
	}
	var mask [aes.BlockSize]byte
	k.headerProtection.Encrypt(mask[:], p.b[p.pnOffset+longest:][:sampleSize])
	first := p.b[0] ^ mask[0]&0x0f
	size := int(first&3) + 1
	header := append([]byte(nil), p.b[:p.pnOffset+size]...)
	header[0] = first
	var truncated uint64
	for i := range size {
		header[p.pnOffset+i] ^= mask[1+i]
		truncated = truncated<<8 | uint64(header[p.pnOffset+i])
	}
	number := decodePacketNumber(k.next, truncated, size)
	nonce := k.iv
	low := nonce[ivSize-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^number)
	frames, err := k.aead.Open(nil, nonce[:], p.b[p.pnOffset+size:], header)
	if err != nil {
		return nil, false
	}
	k.next = max(k.next, number+1)
	return frames, true
}

// decodePacketNumber returns the packet number closest to the expected one that ends in the
// given bytes (RFC 9000 §A.3).
func decodePacketNumber(expected, truncated uint64, size int) uint64 {
	window := uint64(1) << (8 * size)
	number := expected&^(window-1) | truncated
	switch {
	case number+window/2 <= expected && number < 1<<62-window:
		return number + window
	case number > expected+window/2 && number >= window:
		return number - window
	}
	return number
}
