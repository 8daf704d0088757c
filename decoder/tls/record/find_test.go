package record

import (
	"bytes"
	"crypto/subtle"
	"math"
	"testing"
)

func TestFind(t *testing.T) {
	const from, n = 1 << 33, 1 << 16
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			if k.iv == 4 {
				// OpenSSL begins its explicit nonces anywhere.
				s.explicitNonce = func(number uint64) uint64 { return number ^ 0x5a5a_0000_1234_5678 }
			}
			r := s.reader(t)
			r.SetNumber(3)
			for _, want := range []uint64{from, from + 1, from + n - 1} {
				record := s.seal(ApplicationData, []byte("attack at dawn"), want, 0)
				number, ok := r.Find(record, from, n)
				if !ok || number != want {
					t.Fatalf("got %d, %v, want %d", number, ok, want)
				}
				if r.Number() != 3 {
					t.Errorf("Find set the number to %d", r.Number())
				}
				r.SetNumber(number)
				if got, _, err := r.Open(nil, record); err != nil || string(got) != "attack at dawn" {
					t.Errorf("number %d: got %q, %v", number, got, err)
				}
				r.SetNumber(3)
			}
		})
	}
}

func TestFindNone(t *testing.T) {
	const from, n = 1000, 1 << 12
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			for _, outside := range []uint64{0, from - 1, from + n, math.MaxUint64} {
				record := s.seal(ApplicationData, []byte("attack at dawn"), outside, 0)
				if number, ok := r.Find(record, from, n); ok {
					t.Errorf("number %d is found as %d", outside, number)
				}
			}
			record := s.seal(ApplicationData, []byte("attack at dawn"), from+1, 0)
			if _, ok := r.Find(record, from+1, 0); ok {
				t.Error("found among no candidates")
			}
			record[len(record)-1] ^= 1
			if number, ok := r.Find(record, from, n); ok {
				t.Errorf("a forged record is found as %d", number)
			}
		})
	}
}

// Numbers end at 2^64-1, and so do candidates.
func TestFindEnd(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSealer(k)
			r := s.reader(t)
			last := s.seal(ApplicationData, []byte("attack at dawn"), math.MaxUint64, 0)
			if number, ok := r.Find(last, math.MaxUint64-2, math.MaxUint64); !ok || number != math.MaxUint64 {
				t.Errorf("got %d, %v", number, ok)
			}
			first := s.seal(ApplicationData, []byte("attack at dawn"), 0, 0)
			if number, ok := r.Find(first, math.MaxUint64-2, math.MaxUint64); ok {
				t.Errorf("number 0 is found as %d", number)
			}
			if number, ok := r.Find(first, 0, math.MaxUint64); !ok || number != 0 {
				t.Errorf("got %d, %v", number, ok)
			}
		})
	}
}

// A tag that is right for a nonce which is not one of the key's.
func TestFindForgedNonce(t *testing.T) {
	for _, k := range kinds[:2] {
		s := newSealer(k)
		r := s.reader(t)
		first := append(s.xorNonce(5), 0, 0, 0, 1)
		for at := range first {
			record := s.seal(ApplicationData, []byte("attack at dawn"), 5, 0)
			second := bytes.Clone(first)
			second[at] ^= 2
			tag := record[len(record)-tagSize:]
			for _, block := range [][]byte{first, second} {
				mask := make([]byte, tagSize)
				s.block().Encrypt(mask, block)
				subtle.XORBytes(tag, tag, mask)
			}
			number, ok := r.Find(record, 0, math.MaxUint64)
			if want := at >= 4 && at < nonceSize; ok != want {
				t.Errorf("%s: byte %d of the block differs: got %d, %v", k.name, at, number, ok)
			}
		}
	}
}
