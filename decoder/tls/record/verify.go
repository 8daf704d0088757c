package record

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"slices"
)

// verifier verifies records that AES-GCM protects in TLS 1.3 without decrypting them, in
// some 60 % of the time.
//
// NIST SP 800-38D §7.1: a tag is AES(nonce || 1) XOR GHASH, which is linear, of the
// additional data A, the ciphertext C and the lengths of both. A Seal of nothing whose
// additional data is C gives AES(nonce || 1) XOR GHASH of C and other lengths. Both differ
// by what depends on A and the lengths alone, and A is the header (RFC 8446 §5.2), which
// has the length. So the first record with a header, which is opened, tells the difference.
type verifier struct {
	known [knownHeaders]difference
	next  int // of known that is replaced
	mac   [tagSize]byte
}

// knownHeaders is how many headers of records are known: bulk has one or two.
const knownHeaders = 4

type difference struct {
	header [HeaderSize]byte // zero: none
	xor    [tagSize]byte
}

// difference returns what is known of records with the header of one, or nil.
func (v *verifier) difference(record []byte) *difference {
	header := [HeaderSize]byte(record)
	i := slices.IndexFunc(v.known[:], func(d difference) bool { return d.header == header })
	if i < 0 {
		return nil
	}
	return &v.known[i]
}

// authenticate returns what a Seal of nothing makes of the ciphertext of a record. It is
// valid until the next call.
func (a *aead) authenticate(record []byte, number uint64) []byte {
	body := record[HeaderSize:]
	a.setNonce(body, number)
	return a.cipher.Seal(a.lazy.mac[:0], a.nonce[:], nil, body[:len(body)-tagSize])
}

// learn takes the difference from a record that has opened under number.
func (a *aead) learn(record []byte, number uint64) {
	v := &a.lazy
	d := difference{header: [HeaderSize]byte(record)}
	subtle.XORBytes(d.xor[:], a.authenticate(record, number), record[len(record)-tagSize:])
	v.known[v.next] = d
	v.next = (v.next + 1) % knownHeaders
}

// block16 decrypts what a record protects from offset at to the end of that block, as much
// of it as dst takes, and returns the number of bytes. NIST SP 800-38D §6.5, §7.1: AES-GCM
// encrypts with AES(nonce || n), n from 2 on, by XOR.
func (a *aead) block16(dst, record []byte, number uint64, at int) int {
	body := record[HeaderSize:]
	a.setNonce(body, number)
	copy(a.lone[:], a.nonce[:])
	binary.BigEndian.PutUint32(a.lone[nonceSize:], uint32(2+at/aes.BlockSize))
	a.block.Encrypt(a.lone[:], a.lone[:])
	key := a.lone[at%aes.BlockSize:]
	return subtle.XORBytes(dst, key[:min(len(key), len(dst))], body[at:len(body)-tagSize])
}

// lazy returns what can verify records without opening them, or nil.
func (r *Reader) lazy() *aead {
	a, ok := r.opener.(*aead)
	if !ok || a.block == nil || r.version != TLS13 {
		return nil
	}
	return a
}

// Verify verifies record, which is one whole record with its header, under the current
// number, as Open does, but decrypts nothing: Part does. It returns the type and the size
// of the content, and the number grows by one. ok is false where that takes Open, which
// may then fail: for a suite without AES-GCM, for TLS 1.2, for padding, and for a header
// that Learn was not called for.
func (r *Reader) Verify(record []byte) (size int, typ ContentType, ok bool) {
	a := r.lazy()
	if a == nil || r.check(record) != nil || len(record) <= r.Overhead() {
		return 0, Invalid, false
	}
	d := a.lazy.difference(record)
	if d == nil {
		return 0, Invalid, false
	}
	mac := a.authenticate(record, r.number)
	subtle.XORBytes(mac, mac, d.xor[:])
	if subtle.ConstantTimeCompare(mac, record[len(record)-tagSize:]) == 0 {
		return 0, Invalid, false
	}
	size = len(record) - r.Overhead()
	var last [1]byte
	a.block16(last[:], record, r.number, size)
	if typ = ContentType(last[0]); typ == Invalid || size > MaxPlaintext {
		return 0, Invalid, false
	}
	r.number++
	return size, typ, true
}

// Learn lets Verify take records with the header of one that Open has just opened.
func (r *Reader) Learn(record []byte) {
	if a := r.lazy(); a != nil && r.number > 0 && a.lazy.difference(record) == nil {
		a.learn(record, r.number-1)
	}
}

// Part decrypts what the last record that Verify took holds from offset at on, as much of
// it as dst takes, and returns the number of bytes.
func (r *Reader) Part(dst, record []byte, at int) int {
	a := r.lazy()
	n := 0
	for n < len(dst) {
		k := a.block16(dst[n:], record, r.number-1, at+n)
		if k == 0 {
			break
		}
		n += k
	}
	return n
}
