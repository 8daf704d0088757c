package record

import (
	"bytes"
	"testing"
)

// Verify takes what Open takes, where it can, and Part gives the same bytes.
func TestVerify(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			can := k.version == TLS13 && k.suite != 0x1303
			for _, size := range []int{1, 2, 14, 15, 16, 17, 1400, MaxPlaintext} {
				if _, _, ok := r.Verify(s.seal(ApplicationData, pattern(size, 1), r.Number(), 0)); ok {
					t.Fatalf("size %d: verified, with a header not known", size)
				}
				learn(t, s, r, size)
				for range 3 {
					number := r.Number()
					content := pattern(size, byte(number))
					record := s.seal(Handshake, content, number, 0)
					whole := bytes.Clone(record)
					got, typ, ok := r.Verify(record)
					if ok != can || ok && (got != size || typ != Handshake) {
						t.Fatalf("size %d: got %d bytes of %v, %t", size, got, typ, ok)
					}
					if want := number; !ok && r.Number() != want || ok && r.Number() != want+1 {
						t.Fatalf("size %d: the number is %d after %d", size, r.Number(), number)
					}
					if !ok {
						r.SetNumber(number + 1)
						continue
					}
					checkParts(t, r, record, content)
					if !bytes.Equal(record, whole) {
						t.Fatalf("size %d: the record has changed", size)
					}
				}
			}
		})
	}
}

// learn opens a record with a content of size bytes, and has the Reader learn its header.
func learn(t *testing.T, s *sealer, r *Reader, size int) {
	t.Helper()
	record := s.seal(ApplicationData, pattern(size, 200), r.Number(), 0)
	if _, _, err := r.Open(nil, record); err != nil {
		t.Fatal(err)
	}
	r.Learn(record)
}

func checkParts(t *testing.T, r *Reader, record, content []byte) {
	t.Helper()
	for _, at := range []int{0, 1, 15, 16, 17, len(content) / 2, len(content) - 1} {
		for _, n := range []int{1, 9, 16, 64} {
			if at < 0 || at+n > len(content) {
				continue
			}
			dst := make([]byte, n)
			if got := r.Part(dst, record, at); got != n || !bytes.Equal(dst, content[at:at+n]) {
				t.Fatalf("%d bytes at %d of %d: got %d: %x, want %x", n, at, len(content), got, dst, content[at:at+n])
			}
		}
	}
}

// TestVerifyRefuses changes each bit of a record, and what is not in it.
func TestVerifyRefuses(t *testing.T) {
	const size = 100
	s := newSealer(kinds[0])
	r := s.reader(t)
	learn(t, s, r, size)
	number := r.Number()
	record := s.seal(ApplicationData, pattern(size, 3), number, 0)
	refuse := func(what string, record []byte) {
		t.Helper()
		if _, _, ok := r.Verify(record); ok || r.Number() != number {
			t.Errorf("%s: verified %t, the number is %d", what, ok, r.Number())
		}
		r.SetNumber(number)
	}
	for bit := range 8 * len(record) {
		flipped := bytes.Clone(record)
		flipped[bit/8] ^= 1 << (bit % 8)
		refuse("a bit", flipped)
	}
	refuse("another number", s.seal(ApplicationData, pattern(size, 3), number+1, 0))
	refuse("padding", s.seal(ApplicationData, pattern(size-1, 3), number, 1))
	refuse("nothing but padding", s.sealInner(ApplicationData, make([]byte, size+1), number))
	refuse("another type", s.sealInner(Handshake, append(pattern(size, 3), byte(Handshake)), number))
	refuse("short", record[:len(record)-1])
	refuse("empty", nil)
	if _, _, ok := r.Verify(record); !ok {
		t.Error("the record itself does not verify")
	}
	r.SetNumber(number)
	r.Wipe()
	refuse("after Wipe", record)
}

// BenchmarkVerify compares with BenchmarkOpen.
func BenchmarkVerify(b *testing.B) {
	s := newSealer(kinds[0])
	r := s.reader(b)
	record := s.seal(ApplicationData, make([]byte, MaxPlaintext), 0, 0)
	if _, _, err := r.Open(nil, record); err != nil {
		b.Fatal(err)
	}
	r.Learn(record)
	b.SetBytes(MaxPlaintext)
	for b.Loop() {
		r.SetNumber(0)
		if _, _, ok := r.Verify(record); !ok {
			b.Fatal("not verified")
		}
	}
}
