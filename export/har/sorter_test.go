package har

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestSorter sorts entries in memory, in a file, and in so many pieces that these are merged
// before the end.
func TestSorter(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for limit, pieces := range map[int]string{1 << 20: "none", 4 << 10: "some", 64: "many"} {
		r := rand.New(rand.NewPCG(1, 2))
		s := sorter{limit: limit}
		const n = 3000
		for i := range n {
			entry := make([]byte, 8, 40)
			binary.LittleEndian.PutUint64(entry, uint64(i))
			s.add(r.Int64N(100)-50, binary.LittleEndian.AppendUint64(entry, uint64(i))[:8+r.IntN(9)])
		}
		if got := s.file != nil; got != (pieces != "none") {
			t.Errorf("%s: file %v", pieces, got)
		}
		// The entries again, each with its begin.
		r = rand.New(rand.NewPCG(1, 2))
		begins := make([]int64, n)
		for i := range n {
			begins[i] = r.Int64N(100) - 50
			r.IntN(9)
		}
		last, count := -1, 0
		if err := s.each(func(entry io.Reader) error {
			b, err := io.ReadAll(entry)
			if err != nil || len(b) < 8 {
				t.Fatalf("%s: entry of %d bytes: %v", pieces, len(b), err)
			}
			i := int(binary.LittleEndian.Uint64(b))
			if last >= 0 && (begins[i] < begins[last] || begins[i] == begins[last] && i < last) {
				t.Fatalf("%s: entry %d (%d) comes after %d (%d)", pieces, i, begins[i], last, begins[last])
			}
			last = i
			count++
			return nil
		}); err != nil || count != n {
			t.Errorf("%s: %d entries, error %v", pieces, count, err)
		}
		if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
			t.Errorf("%s: %s is left", pieces, left[0].Name())
		}
	}
}

// TestSorterFails has no place for the file.
func TestSorterFails(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	s := sorter{limit: 10}
	s.add(1, make([]byte, 20))
	s.add(1, make([]byte, 20))
	if err := s.each(func(io.Reader) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
