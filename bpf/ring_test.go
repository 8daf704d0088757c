//go:build linux

package bpf

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"
)

const testRingPage = 4096

// fakeRing is a ring whose kernel is the test.
type fakeRing struct {
	ring
	reserved uint64
}

func newFakeRing(size int) *fakeRing {
	rest := make([]byte, testRingPage+2*size)
	return &fakeRing{ring: ring{consumer: make([]byte, testRingPage), rest: rest, data: rest[testRingPage:]}}
}

// put writes a record, and returns where its header is. Both copies of the data hold it.
func (r *fakeRing) put(text string, flags uint32) (at int) {
	size := len(r.data) / 2
	at = int(r.reserved) % size
	record := binary.NativeEndian.AppendUint32(nil, uint32(len(text))|flags)
	record = append(append(record, 0, 0, 0, 0), text...)
	for i, b := range record {
		r.data[(at+i)%size], r.data[(at+i)%size+size] = b, b
	}
	r.reserved += (uint64(len(record)) + 7) &^ 7
	*position(r.rest) = r.reserved
	return at
}

func (r *fakeRing) freedTo() uint64 { return *position(r.consumer) }

// TestRing reads records around the end of the buffer, and frees none before the next is
// read.
func TestRing(t *testing.T) {
	r := newFakeRing(256)
	for i := range 100 {
		text := fmt.Sprintf("record %0*d", i%50, i)
		r.put(text, 0)
		before := r.read
		if got := string(r.next()); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
		if r.freedTo() > before {
			t.Fatalf("record %d is free at %d, before it is used", i, r.freedTo())
		}
	}
	if b := r.next(); b != nil || !r.empty() || r.freedTo() != r.reserved {
		t.Errorf("got %q; freed up to %d of %d", b, r.freedTo(), r.reserved)
	}
}

// TestRingDiscarded passes over records that the programs have discarded.
func TestRingDiscarded(t *testing.T) {
	r := newFakeRing(256)
	for _, text := range []string{"", "a", "b"} {
		r.put("discarded", ringDiscard)
		r.put(text, 0)
	}
	r.put("discarded", ringDiscard)
	var got []string
	for b := r.next(); b != nil; b = r.next() {
		got = append(got, string(b))
	}
	if want := []string{"", "a", "b"}; !slices.Equal(got, want) || !r.empty() {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRingBusy waits for a record that is reserved and not written yet.
func TestRingBusy(t *testing.T) {
	r := newFakeRing(256)
	at := r.put("record", ringBusy)
	read := make(chan string)
	go func() { read <- string(r.next()) }()
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&r.data[at])), uint32(len("record"))) // written
	if got := <-read; got != "record" {
		t.Errorf("got %q", got)
	}
}

// TestRingFrees frees what was read in parts, not for each record.
func TestRingFrees(t *testing.T) {
	r := newFakeRing(1 << 20)
	freed, times := uint64(0), 0
	for range 1 << 12 {
		r.put("0123456789abcdef", 0)
	}
	for b := r.next(); b != nil; b = r.next() {
		if r.freedTo() != freed {
			freed = r.freedTo()
			times++
		}
	}
	if most := int(r.reserved>>(20-freeShift)) + 1; times > most || times == 0 {
		t.Errorf("freed %d times, want at most %d", times, most)
	}
}
