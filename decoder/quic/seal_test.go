package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// vectorKeys returns keys as the RFC has them.
func vectorKeys(t testing.TB, v vector) (both [2]*keys) {
	t.Helper()
	for i, texts := range v.keys {
		k := new(keys)
		block, err := aes.NewCipher(unhex(t, texts[0]))
		if err != nil {
			t.Fatal(err)
		}
		if k.aead, err = cipher.NewGCM(block); err != nil {
			t.Fatal(err)
		}
		copy(k.iv[:], unhex(t, texts[1]))
		if k.header, err = aes.NewCipher(unhex(t, texts[2])); err != nil {
			t.Fatal(err)
		}
		both[i] = k
	}
	return both
}

// seal protects a packet with a header that ends in its packet number (RFC 9001 §5.3,
// §5.4).
func seal(k *keys, header []byte, number uint64, frames []byte) []byte {
	nonce := k.iv
	for i := range 8 {
		nonce[4+i] ^= byte(number >> (56 - 8*i))
	}
	size := int(header[0]&3) + 1
	at := len(header) - size
	b := k.aead.Seal(append([]byte(nil), header...), nonce[:], frames, header)
	var mask [aes.BlockSize]byte
	k.header.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & 0x0f
	for i := range size {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// peer makes the Initial packets of a client and a server.
type peer struct {
	t            testing.TB
	version      Version
	original     []byte // connection ID from which keys derive
	dest, source []byte // as the client sends
	next         [2]uint64
	token        []byte
}

func newPeer(t testing.TB, v Version, dest, source string) *peer {
	return &peer{t: t, version: v, original: []byte(dest), dest: []byte(dest), source: []byte(source)}
}

// packet makes an Initial packet. It has at least size bytes.
func (p *peer) packet(client bool, frames []byte, size int) []byte {
	p.t.Helper()
	d := dialects[p.version]
	both, err := newKeys(d, p.original)
	if err != nil {
		p.t.Fatal(err)
	}
	var bits byte
	for i, k := range d.kinds {
		if k == initial {
			bits = byte(i)
		}
	}
	dest, source := p.dest, p.source
	if !client {
		dest, source = source, dest
	}
	var h cryptobyte.Builder
	h.AddUint8(0xc0 | bits<<4 | 1) // two bytes of packet number
	h.AddUint32(uint32(p.version))
	for _, id := range [][]byte{dest, source} {
		h.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(id) })
	}
	if client {
		h.AddBytes(varint(uint64(len(p.token))))
		h.AddBytes(p.token)
	} else {
		h.AddUint8(0)
	}
	number := p.next[side(client)]
	p.next[side(client)]++
	head := h.BytesOrPanic()
	padding := max(0, size-len(head)-4-2-len(frames)-16, 4-len(frames))
	frames = append(append([]byte(nil), frames...), make([]byte, padding)...)
	head = binary.BigEndian.AppendUint32(head, uint32(2+len(frames)+16)|0x80000000)
	head = binary.BigEndian.AppendUint16(head, uint16(number))
	return seal(both[side(client)], head, number, frames)
}

// varint encodes an integer of variable length (RFC 9000 §16).
func varint(n uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)|0x80000000) }

// crypto makes a CRYPTO frame.
func cryptoOf(offset int, data []byte) []byte {
	b := append([]byte{frameCrypto}, varint(uint64(offset))...)
	return append(append(b, varint(uint64(len(data)))...), data...)
}

// long makes a packet with a long header of some version, with anything after it.
func long(v Version, dest, source string, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0xc0}, uint32(v))
	b = append(append(b, byte(len(dest))), dest...)
	b = append(append(b, byte(len(source))), source...)
	return append(b, rest...)
}
