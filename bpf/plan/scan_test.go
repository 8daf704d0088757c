package plan

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestScan finds names at and around the ends of chunks, each once.
func TestScan(t *testing.T) {
	names := [][]byte{[]byte("needle"), []byte("a longer name")}
	for _, size := range []int{0, 5, 6, chunkSize - 1, chunkSize, chunkSize + 5, 3*chunkSize + 7} {
		data := bytes.Repeat([]byte{'.'}, size)
		for at := 3; at < size; at += chunkSize/2 - 2 {
			copy(data[at:], names[at%2])
		}
		want := [2][]int64{}
		for i, name := range names {
			for at := 0; ; at++ {
				n := bytes.Index(data[at:], name)
				if n < 0 {
					break
				}
				at += n
				want[i] = append(want[i], int64(at))
			}
		}
		got := [2][]int64{}
		err := scan(bytes.NewReader(data), int64(size), names, func(i int, at int64) bool {
			got[i] = append(got[i], at)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d bytes (-want +got):\n%s", size, diff)
		}
	}
}

// TestScanTexts finds texts that are short, share their ends, and lie around the ends of
// chunks, as scan does.
func TestScanTexts(t *testing.T) {
	texts := [][]byte{[]byte("a\x00"), []byte("tls.Read\x00"), []byte("crypto/tls.Read\x00"), []byte("Road\x00")}
	for _, shift := range []int{0, 1, 7, 11, 15, 16} {
		data := append(make([]byte, 5), bytes.Repeat([]byte{'x'}, chunkSize-5-shift)...)
		data = append(data, "crypto/tls.Read\x00vendor/crypto/tls.Read\x00a\x00\x00\x00\x00\x00\x00Road\x00Read"...)
		var got, want [][2]int64
		visit := func(list *[][2]int64) func(int, int64) bool {
			return func(i int, at int64) bool {
				*list = append(*list, [2]int64{int64(i), at})
				return true
			}
		}
		if err := errors.Join(
			scan(bytes.NewReader(data), int64(len(data)), texts, visit(&want)),
			scanTexts(bytes.NewReader(data), int64(len(data)), texts, visit(&got)),
		); err != nil {
			t.Fatal(err)
		}
		order := func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if diff := cmp.Diff(want, got); diff != "" || len(want) != 6 {
			t.Errorf("shifted by %d, %d texts (-want +got):\n%s", shift, len(want), diff)
		}
	}
}

func TestScanStops(t *testing.T) {
	found := 0
	err := scan(strings.NewReader("xxxx"), 4, [][]byte{{'x'}}, func(int, int64) bool {
		found++
		return found < 2
	})
	if err != nil || found != 2 {
		t.Errorf("got %d places and %v, want 2", found, err)
	}
	err = scan(strings.NewReader("xxxx"), 5, [][]byte{{'y'}}, nil)
	var not *NotTraceableError
	if !errors.As(err, &not) {
		t.Errorf("got error %v for a table that ends early", err)
	}
}

// TestWindow reads a table in ascending steps, and refuses others.
func TestWindow(t *testing.T) {
	data := make([]byte, 2*chunkSize+10)
	for i := range data {
		data[i] = byte(i % 251)
	}
	w := &window{r: bytes.NewReader(data), size: int64(len(data))}
	for off := int64(0); off+12 <= w.size; off += 8 {
		got, err := w.bytes(off, 12)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data[off:off+12]) {
			t.Fatalf("at %d: got %x, want %x", off, got, data[off:off+12])
		}
	}
	for _, off := range []int64{-1, 0, w.size - 11, w.size, w.size + 1, 1 << 62} {
		if got, err := w.bytes(off, 12); err == nil {
			t.Errorf("at %d: got %x, want an error", off, got)
		}
	}
}
