package record

import (
	"bytes"
	"errors"
	"testing"
)

// RFC 8446 §5.4: any number of zeros may follow the type, within the limit.
func TestPadding13(t *testing.T) {
	for _, k := range kinds[:3] {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			for number, test := range []struct{ content, padding int }{
				{0, 0}, {0, 1}, {0, MaxPlaintext}, {5, 1}, {5, 255}, {5, MaxPlaintext - 5}, {MaxPlaintext, 0},
			} {
				content := make([]byte, test.content) // zeros that are not padding
				record := s.seal(Alert, content, uint64(number), test.padding)
				got, typ, err := r.Open(nil, record)
				if err != nil || typ != Alert || !bytes.Equal(got, content) {
					t.Errorf("%+v: got %d bytes of %v, error %v", test, len(got), typ, err)
				}
			}
			number := r.Number()
			if err := refuse(t, r, s.seal(Alert, make([]byte, 5), number, MaxPlaintext-4)); !errors.Is(err, ErrTooLong) {
				t.Errorf("padding over the limit: got %v, want ErrTooLong", err)
			}
			for _, size := range []int{0, 1, 100} {
				if err := refuse(t, r, s.sealInner(ApplicationData, make([]byte, size), number)); !errors.Is(err, ErrNoContentType) {
					t.Errorf("%d zeros: got %v, want ErrNoContentType", size, err)
				}
			}
			other := s.sealInner(Handshake, []byte{1, byte(Handshake)}, number)
			if err := refuse(t, r, other); !errors.Is(err, ErrNotOpened) {
				t.Errorf("outer type handshake: got %v, want ErrNotOpened", err)
			}
			ccs := []byte{byte(ChangeCipherSpec), 3, 3, 0, 1, 1}
			if err := refuse(t, r, ccs); !errors.Is(err, ErrNotOpened) {
				t.Errorf("change_cipher_spec: got %v, want ErrNotOpened", err)
			}
		})
	}
}

// RFC 5246 §6.2.3.2: each length of padding that fills the last block is
// allowed. Each byte of it has the same value.
func TestPaddingCBC(t *testing.T) {
	for _, k := range kinds[6:] {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			block := r.Offset() - HeaderSize
			content := make([]byte, 2*block-len(s.macKey)%block)
			for padding := block; padding <= 256; padding += block {
				record := s.seal(Handshake, content, r.Number(), padding)
				got, typ, err := r.Open(nil, record)
				if err != nil || typ != Handshake || !bytes.Equal(got, content) {
					t.Errorf("padding of %d: got %d bytes of %v, error %v", padding, len(got), typ, err)
				}
			}
			for i := range 2*block - 1 {
				plain := s.authenticate(Handshake, content, r.Number())
				plain = append(plain, bytes.Repeat([]byte{byte(2*block - 1)}, 2*block)...)
				plain[len(plain)-2-i] ^= 1
				if err := refuse(t, r, s.encrypt(Handshake, plain, r.Number())); !errors.Is(err, ErrNotOpened) {
					t.Errorf("byte %d of the padding is wrong: got %v, want ErrNotOpened", i, err)
				}
			}
		})
	}
}

// Padding that leaves no room for the MAC, or is longer than the record.
func TestPaddingCBCAlone(t *testing.T) {
	for _, k := range kinds[6:] {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			block := r.Offset() - HeaderSize
			for size := block; size <= 256; size += block {
				for _, value := range []int{0, size - 2, size - 1, size, 255} {
					plain := bytes.Repeat([]byte{byte(value)}, size)
					if err := refuse(t, r, s.encrypt(Handshake, plain, 0)); !errors.Is(err, ErrNotOpened) {
						t.Errorf("%d bytes of %d: got %v, want ErrNotOpened", size, value, err)
					}
				}
			}
		})
	}
}
