package record

import (
	"fmt"
	"testing"
)

func BenchmarkOpen(b *testing.B) {
	for _, suite := range []struct {
		name string
		kind kind
	}{
		{"AES-128-GCM", kinds[0]},
		{"AES-256-GCM", kinds[1]},
		{"ChaCha20-Poly1305", kinds[2]},
	} {
		for _, size := range []int{1400, MaxPlaintext} {
			b.Run(fmt.Sprintf("%s/%d", suite.name, size), func(b *testing.B) {
				s := newSealer(suite.kind)
				r := s.reader(b)
				record := s.seal(ApplicationData, make([]byte, size), 0, 0)
				dst := make([]byte, 0, len(record))
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					r.SetNumber(0)
					if _, _, err := r.Open(dst, record); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkFind finds the last of 1000 candidates, for each kind.
func BenchmarkFind(b *testing.B) {
	const n = 1000
	for _, k := range kinds {
		for _, size := range []int{1400, MaxPlaintext} {
			b.Run(fmt.Sprintf("%s/%d", k.name, size), func(b *testing.B) {
				s := newSealer(k)
				s.explicitNonce = func(number uint64) uint64 { return ^number }
				r := s.reader(b)
				record := s.seal(ApplicationData, make([]byte, size), n-1, 0)
				b.ReportAllocs()
				for b.Loop() {
					if _, ok := r.Find(record, 0, n); !ok {
						b.Fatal("not found")
					}
				}
			})
		}
	}
}
