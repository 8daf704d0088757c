package record

import (
	"bytes"
	"errors"
	"testing"
)

// Every record opens, in place too, under its number alone.
func TestOpen(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			for number, size := range []int{0, 1, 2, 15, 16, 17, 255, 256, 1400, MaxPlaintext} {
				content := pattern(size, byte(size))
				record := s.seal(Handshake, content, uint64(number), 0)
				whole := bytes.Clone(record)

				got, typ, err := r.Open([]byte("before"), record)
				if err != nil || typ != Handshake || string(got) != "before"+string(content) {
					t.Fatalf("size %d: got %d bytes of %v, error %v", size, len(got), typ, err)
				}
				if !bytes.Equal(record, whole) {
					t.Errorf("size %d: Open changed the record", size)
				}
				if _, _, err := r.Open(nil, record); !errors.Is(err, ErrNotOpened) {
					t.Errorf("size %d: record sent again: got %v, want ErrNotOpened", size, err)
				}
				if got, want := r.Number(), uint64(number)+1; got != want {
					t.Errorf("number is %d, want %d", got, want)
				}
				r.SetNumber(uint64(number))
				got, typ, err = r.Open(record[r.Offset():][:0], record)
				if err != nil || typ != Handshake || !bytes.Equal(got, content) {
					t.Fatalf("size %d in place: got %d bytes of %v, error %v", size, len(got), typ, err)
				}
				if size > 0 && k.aead() && &got[0] != &record[r.Offset()] {
					t.Error("the content is not in the place of the ciphertext")
				}
			}
		})
	}
}

// A record that differs from what was sent in one bit gives no plaintext, and
// changes no state.
func TestOpenFlippedBit(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			record := s.seal(ApplicationData, []byte("attack at dawn"), 7, 0)
			for bit := range 8 * len(record) {
				flipped := bytes.Clone(record)
				flipped[bit/8] ^= 1 << (bit % 8)
				r.SetNumber(7)
				if err := refuse(t, r, flipped); err == nil {
					t.Errorf("bit %d flipped: no error", bit)
				}
				if _, ok := r.Find(flipped, 0, 16); ok {
					t.Errorf("bit %d flipped: Find takes it", bit)
				}
			}
			if got, _, err := r.Open(nil, record); err != nil || string(got) != "attack at dawn" {
				t.Errorf("the record itself: got %q, %v", got, err)
			}
		})
	}
}

// refuse checks that record gives an error, no plaintext and no progress.
func refuse(t *testing.T, r *Reader, record []byte) error {
	t.Helper()
	number := r.Number()
	dst := make([]byte, 0, 64)
	got, typ, err := r.Open(dst, record)
	if err == nil || got != nil || typ != Invalid {
		t.Errorf("record %x: got %q of %v, error %v", record, got, typ, err)
	}
	if bytes.Contains(dst[:cap(dst)], []byte("attack")) {
		t.Errorf("record %x: plaintext was left in the buffer", record)
	}
	if r.Number() != number {
		t.Errorf("record %x: number went from %d to %d", record, number, r.Number())
	}
	return err
}

// Records that are cut, too short for what they must hold, or not as long as
// they state.
func TestOpenShort(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			record := s.seal(ApplicationData, []byte("attack at dawn"), 0, 0)
			for size := range record {
				if err := refuse(t, r, record[:size]); !errors.Is(err, ErrLength) {
					t.Errorf("%d bytes: got %v, want ErrLength", size, err)
				}
			}
			if err := refuse(t, r, append(bytes.Clone(record), 0)); !errors.Is(err, ErrLength) {
				t.Errorf("a byte more: got %v, want ErrLength", err)
			}
			for size := range len(record) - HeaderSize {
				short := append(header(ApplicationData, size), record[HeaderSize:][:size]...)
				if err := refuse(t, r, short); !errors.Is(err, ErrNotOpened) {
					t.Errorf("body of %d bytes: got %v, want ErrNotOpened", size, err)
				}
				if _, ok := r.Find(short, 0, 4); ok {
					t.Errorf("body of %d bytes: Find takes it", size)
				}
			}
		})
	}
}

func TestOpenTooLong(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			if err := refuse(t, r, s.seal(ApplicationData, make([]byte, MaxPlaintext+1), 0, 0)); !errors.Is(err, ErrTooLong) {
				t.Errorf("content of 2^14+1 bytes: got %v, want ErrTooLong", err)
			}
			limit := MaxCiphertext12
			if k.version == TLS13 {
				limit = MaxCiphertext13
			}
			for _, size := range []int{limit + 1, 0xffff} {
				record := append(header(ApplicationData, size), make([]byte, size)...)
				if err := refuse(t, r, record); !errors.Is(err, ErrTooLong) {
					t.Errorf("%d bytes: got %v, want ErrTooLong", size, err)
				}
				if err := refuse(t, r, record[:HeaderSize]); !errors.Is(err, ErrTooLong) {
					t.Errorf("header of %d bytes: got %v, want ErrTooLong", size, err)
				}
			}
		})
	}
}

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
				if err := refuse(t, r, s.seal13(make([]byte, size), number)); !errors.Is(err, ErrNoContentType) {
					t.Errorf("%d zeros: got %v, want ErrNoContentType", size, err)
				}
			}
			ccs := []byte{byte(ChangeCipherSpec), 3, 3, 0, 1, 1}
			if err := refuse(t, r, ccs); !errors.Is(err, ErrNotOpened) {
				t.Errorf("change_cipher_spec: got %v, want ErrNotOpened", err)
			}
		})
	}
}

// RFC 5246 §6.2.3.2: each length of padding that fills the last block is
// allowed, and nothing else.
func TestPaddingCBC(t *testing.T) {
	for _, k := range kinds[6:] {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			least := r.Overhead() - HeaderSize - r.opener.explicit() - len(s.macKey)
			content := make([]byte, 2*least-len(s.macKey)%least)
			for padding := least; padding <= 256; padding += least {
				record := s.seal(Handshake, content, r.Number(), padding)
				got, typ, err := r.Open(nil, record)
				if err != nil || typ != Handshake || !bytes.Equal(got, content) {
					t.Errorf("padding of %d: got %d bytes of %v, error %v", padding, len(got), typ, err)
				}
			}
		})
	}
}

func TestWipe(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			record := s.seal(ApplicationData, []byte("attack at dawn"), 0, 0)
			if _, ok := r.Find(record, 0, 1); !ok {
				t.Fatal("Find does not find")
			}
			opener := r.opener
			r.Wipe()
			r.Wipe()
			if err := refuse(t, r, record); !errors.Is(err, ErrNotOpened) {
				t.Errorf("got %v, want ErrNotOpened", err)
			}
			if _, ok := r.Find(record, 0, 1); ok {
				t.Error("Find still finds")
			}
			if err := r.Update(); !errors.Is(err, ErrNoSecret) {
				t.Errorf("Update: got %v, want ErrNoSecret", err)
			}
			_, _ = r.Offset(), r.Overhead()
			if a, ok := opener.(*aead); ok && (a.iv != [nonceSize]byte{} || a.cipher != nil || a.block != nil) {
				t.Error("IV or cipher are left")
			}
		})
	}
}

// Open allocates nothing in place, nor into a buffer that has room.
func TestOpenAllocs(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			record := s.seal(ApplicationData, make([]byte, 1400), 0, 0)
			work := make([]byte, len(record))
			allocs := testing.AllocsPerRun(50, func() {
				copy(work, record)
				r.SetNumber(0)
				if _, ok := r.Find(work, 0, 2); !ok {
					t.Fatal("not found")
				}
				if _, _, err := r.Open(work[r.Offset():][:0], work); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations a record", allocs)
			}
		})
	}
}
