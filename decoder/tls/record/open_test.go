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
			long := s.seal(ApplicationData, bytes.Repeat([]byte("attack"), MaxPlaintext/6+1), 0, 0)
			if _, _, err := r.Open(long[r.Offset():][:0], long); !errors.Is(err, ErrTooLong) {
				t.Errorf("in place: got %v, want ErrTooLong", err)
			}
			if k.aead() && bytes.Contains(long, []byte("attack")) {
				t.Error("plaintext was left in the record")
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
