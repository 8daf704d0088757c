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
		if k.headerProtection, err = aes.NewCipher(unhex(t, texts[2])); err != nil {
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
	k.headerProtection.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & 0x0f
	for i := range size {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// peer makes the Initial packets of a client and a server.
type peer struct {
	t          testing.TB
	version    Version
	original   []byte // Destination Connection ID from which keys derive
	dcid, scid []byte // as the client sends
	next       [2]uint64
	token      []byte
}

func newPeer(t testing.TB, v Version, dcid, scid string) *peer {
	return &peer{t: t, version: v, original: []byte(dcid), dcid: []byte(dcid), scid: []byte(scid)}
}

// packet makes an Initial packet. It has at least size bytes.
func (p *peer) packet(client bool, frames []byte, size int) []byte {
	p.t.Helper()
	spec := knownVersions[p.version]
	both, err := newKeys(spec, p.original)
	if err != nil {
		p.t.Fatal(err)
	}
	var bits byte
	for i, typ := range spec.types {
		if typ == typeInitial {
			bits = byte(i)
		}
	}
	dcid, scid := p.dcid, p.scid
	if !client {
		dcid, scid = scid, dcid
	}
	var h cryptobyte.Builder
	h.AddUint8(0xc0 | bits<<4 | 1) // two bytes of packet number
	h.AddUint32(uint32(p.version))
	for _, id := range [][]byte{dcid, scid} {
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

// varint encodes a variable-length integer (RFC 9000 §16).
func varint(n uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)|0x80000000) }

// cryptoOf makes a CRYPTO frame.
func cryptoOf(offset int, data []byte) []byte {
	b := append([]byte{frameCrypto}, varint(uint64(offset))...)
	return append(append(b, varint(uint64(len(data)))...), data...)
}

// long makes a packet with a long header of some version, with anything after it.
func long(v Version, dcid, scid string, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0xc0}, uint32(v))
	b = append(append(b, byte(len(dcid))), dcid...)
	b = append(append(b, byte(len(scid))), scid...)
	return append(b, rest...)
}
