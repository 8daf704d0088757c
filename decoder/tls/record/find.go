package record

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"slices"
)

func (a *aead) find(record []byte, from, n uint64) (uint64, bool) {
	body := record[HeaderSize:]
	if len(body) < a.prefix+tagSize {
		return 0, false
	}
	switch {
	case a.block != nil && a.version == TLS13:
		number, ok := a.numberGCM(record)
		return number, ok && number-from < n
	case a.prefix > 0:
		// crypto/tls takes the number for the explicit nonce.
		number := binary.BigEndian.Uint64(body)
		if number-from < n && a.try(record, number) {
			return number, true
		}
	}
	// A try that fails leaves the buffer as it was.
	a.buffer = slices.Grow(a.buffer[:0], len(body))
	for i := range n {
		if a.try(record, from+i) {
			return from + i, true
		}
	}
	return 0, false
}

// try returns whether record verifies under number.
func (a *aead) try(record []byte, number uint64) bool {
	out, ok := a.open(a.buffer[:0], record, number)
	if ok {
		a.buffer = out
	}
	return ok
}

// numberGCM returns the number of a TLS 1.3 record that AES-GCM protects, and
// false if there is none that it verifies under.
//
// The tag is GHASH(additional data, ciphertext) XOR AES(nonce || 1), as NIST SP
// 800-38D §7.1 has it for a nonce of 96 bits. In TLS 1.3 the additional data is
// the header, so GHASH has nothing of the number in it. AES is a permutation:
// the inverse of tag XOR GHASH is the block that ends in 1 and begins with the
// nonce, which is the IV XOR the number. Any other block shows a forgery.
func (a *aead) numberGCM(record []byte) (uint64, bool) {
	body := record[HeaderSize:]
	ciphertext, tag := body[:len(body)-tagSize], body[len(body)-tagSize:]
	ghash := a.ghash(ciphertext, record[:HeaderSize])
	subtle.XORBytes(a.lone[:], tag, ghash)
	a.block.Decrypt(a.lone[:], a.lone[:])
	if binary.BigEndian.Uint32(a.lone[nonceSize:]) != 1 {
		return 0, false
	}
	subtle.XORBytes(a.lone[:nonceSize], a.lone[:nonceSize], a.iv[:])
	if binary.BigEndian.Uint32(a.lone[:]) != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint64(a.lone[nonceSize-8:]), true
}

// ghash returns GHASH of additional data and ciphertext, which crypto/cipher
// computes but does not return. Under a nonce of its own, the ciphertext is
// encrypted to what that nonce would have made it from. Encrypting that again
// gives back the ciphertext and a tag, which is GHASH XOR AES(nonce || 1). The
// result is valid until the next call.
func (a *aead) ghash(ciphertext, additionalData []byte) []byte {
	a.nonce = [nonceSize]byte{}
	a.buffer = a.cipher.Seal(a.buffer[:0], a.nonce[:], ciphertext, nil)
	plaintext := a.buffer[:len(ciphertext)]
	a.buffer = a.cipher.Seal(plaintext[:0], a.nonce[:], plaintext, additionalData)
	ghash := a.buffer[len(ciphertext):]

	a.lone = [aes.BlockSize]byte{aes.BlockSize - 1: 1}
	a.block.Encrypt(a.lone[:], a.lone[:])
	subtle.XORBytes(ghash, ghash, a.lone[:])
	return ghash
}
