package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"fmt"
	"hash"
)

// cbc opens the records of a CBC suite of TLS 1.2, which are authenticated
// first, then padded, then encrypted: RFC 5246 §6.2.3.2.
type cbc struct {
	mode cbcMode
	mac  hash.Hash // HMAC

	data   [13]byte
	sum    [64]byte
	buffer []byte // decrypted, not verified
}

// cbcMode is what crypto/cipher's CBC decrypters are, so that none is allocated
// for each record.
type cbcMode interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

func newCBC(info suiteInfo, mac, key []byte) (*cbc, error) {
	var block cipher.Block
	var err error
	if info.mode == tripleDESCBC {
		block, err = des.NewTripleDESCipher(key)
	} else {
		block, err = aes.NewCipher(key)
	}
	if err != nil {
		return nil, err
	}
	mode := cipher.NewCBCDecrypter(block, make([]byte, block.BlockSize()))
	settable, ok := mode.(cbcMode)
	if !ok {
		return nil, fmt.Errorf("%T cannot change its IV", mode)
	}
	return &cbc{mode: settable, mac: hmac.New(info.mac.New, mac)}, nil
}

func (c *cbc) open(dst, record []byte, number uint64) ([]byte, bool) {
	content, mac, ok := c.decrypt(record[HeaderSize:])
	if !ok || !c.verify(record, content, mac, number) {
		return nil, false
	}
	return append(dst, content...), true
}

// decrypt returns the content and the MAC that a body holds. Neither counts
// before verify has returned true. Both are valid until the next call.
func (c *cbc) decrypt(body []byte) (content, mac []byte, ok bool) {
	size := c.mode.BlockSize()
	if len(body) < 2*size || len(body)%size != 0 {
		return nil, nil, false
	}
	c.mode.SetIV(body[:size])
	c.buffer = append(c.buffer[:0], body[size:]...)
	c.mode.CryptBlocks(c.buffer, c.buffer)

	// The last byte states how many bytes of its own value precede it.
	padding := int(c.buffer[len(c.buffer)-1]) + 1
	end := len(c.buffer) - padding
	if end < c.mac.Size() {
		return nil, nil, false
	}
	for _, b := range c.buffer[end:] {
		if int(b) != padding-1 {
			return nil, nil, false
		}
	}
	start := end - c.mac.Size()
	return c.buffer[:start], c.buffer[start:end], true
}

func (c *cbc) verify(record, content, mac []byte, number uint64) bool {
	c.mac.Reset()
	c.mac.Write(pseudoHeader(&c.data, record, number, len(content)))
	c.mac.Write(content)
	return hmac.Equal(c.mac.Sum(c.sum[:0]), mac)
}

func (c *cbc) find(record []byte, from, n uint64) (uint64, bool) {
	content, mac, ok := c.decrypt(record[HeaderSize:])
	if !ok {
		return 0, false
	}
	for i := range n {
		if c.verify(record, content, mac, from+i) {
			return from + i, true
		}
	}
	return 0, false
}

func (c *cbc) explicit() int { return c.mode.BlockSize() }

func (c *cbc) overhead() int { return 2*c.mode.BlockSize() + c.mac.Size() }

func (c *cbc) wipe() {
	clear(c.buffer[:cap(c.buffer)])
	clear(c.sum[:])
	c.mode, c.mac, c.buffer = nil, nil, nil
}
