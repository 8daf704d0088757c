package record

import (
	"bytes"
	"errors"
	"testing"
)

// Wipe leaves nothing that the package holds, and may be called again.
func TestWipe(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			record := s.seal(ApplicationData, []byte("attack at dawn"), 0, 0)
			if _, ok := r.Find(record, 0, 1); !ok {
				t.Fatal("Find does not find")
			}
			if _, _, err := r.Open(nil, record); err != nil {
				t.Fatal(err)
			}
			opener, buffer := r.opener, bufferOf(r)
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
			_, _ = r.Offset(), r.Overhead() // neither panics
			if a, ok := opener.(*aead); ok && (a.iv != [nonceSize]byte{} || a.cipher != nil || a.block != nil) {
				t.Error("IV or cipher are left")
			}
			if len(buffer) == 0 || !bytes.Equal(buffer, make([]byte, len(buffer))) {
				t.Errorf("the buffer still has %q", buffer)
			}
		})
	}
}

func bufferOf(r *Reader) []byte {
	if c, ok := r.opener.(*cbc); ok {
		return c.buffer[:cap(c.buffer)]
	}
	buffer := r.opener.(*aead).buffer
	return buffer[:cap(buffer)]
}

// No secret outlives its generation.
func TestWipeSecret(t *testing.T) {
	suite, _ := SuiteByID(0x1302)
	r, err := NewTLS13(suite, pattern(48, 1))
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 48)
	first := r.secret
	if err := r.Update(); err != nil {
		t.Fatal(err)
	}
	second := r.secret
	if !bytes.Equal(first, zero) || bytes.Equal(second, zero) {
		t.Errorf("after Update: secrets %x and %x", first, second)
	}
	r.Wipe()
	if !bytes.Equal(second, zero) {
		t.Errorf("after Wipe: secret %x", second)
	}
}

// Overhead is exact for an AEAD suite, and the most for a CBC suite.
func TestOverhead(t *testing.T) {
	for _, k := range kinds {
		s := newSealer(k)
		r := s.reader(t)
		most, least := 0, 1000
		for size := range 64 {
			overhead := len(s.seal(ApplicationData, make([]byte, size), 0, 0)) - size
			most, least = max(most, overhead), min(least, overhead)
		}
		if got := r.Overhead(); got != most || k.aead() && got != least {
			t.Errorf("%s: Overhead is %d, records have %d to %d", k.name, got, least, most)
		}
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

// Find allocates nothing for a candidate, whether it is right or not.
func TestFindAllocs(t *testing.T) {
	for _, k := range kinds {
		s := newSealer(k)
		r := s.reader(t)
		record := s.seal(ApplicationData, make([]byte, 1400), 100, 0)
		allocs := testing.AllocsPerRun(10, func() {
			if _, ok := r.Find(record, 0, 32); ok {
				t.Fatal("found")
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", k.name, allocs)
		}
	}
}
