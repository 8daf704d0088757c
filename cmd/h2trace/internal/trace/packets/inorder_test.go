package packets

import (
	"slices"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// TestInOrder has packets that overtook others in the buffer. They come by their times, those of
// one time in the order of the buffer, with their own bytes, and nothing waits for ever.
func TestInOrder(t *testing.T) {
	times := []ktime.Time{1, 3, 2, 2, 5, 4, 9}
	var packets []*bpf.Captured
	for i, at := range times {
		packets = append(packets, &bpf.Captured{Time: at, Bytes: []byte{byte(i)}})
	}
	s := newSource(packets...)
	o := &inOrder{Source: s, ending: func() bool { return false }}
	if p, err := o.Read(); p != nil || err != nil {
		t.Fatalf("before anything was waited for: %v, %v", p, err)
	}
	for i := range packets {
		packets[i].Bytes[0] = 0xff // they were valid until the next Read
	}
	if err := o.Wait(0); err != nil {
		t.Fatal(err)
	}
	var order []byte
	for p, err := o.Read(); p != nil; p, err = o.Read() {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, p.Bytes...)
	}
	if want := []byte{0, 2, 3, 1, 5, 4, 6}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}

	// A full hold gives way, and the end lets all go.
	many := newSource()
	for i := range 3 * maxHeldPackets {
		many.packets = append(many.packets, &bpf.Captured{Time: ktime.Time(i), Bytes: make([]byte, 100)})
	}
	ending := false
	o = &inOrder{Source: many, ending: func() bool { return ending }}
	n := 0
	for p, _ := o.Read(); p != nil; p, _ = o.Read() {
		n++
	}
	if want := 2*maxHeldPackets + 1; n != want {
		t.Errorf("%d packets of %d come before more do, want %d", n, 3*maxHeldPackets, want)
	}
	ending = true
	for p, _ := o.Read(); p != nil; p, _ = o.Read() {
		n++
	}
	if n != 3*maxHeldPackets {
		t.Errorf("%d packets of %d come in all", n, 3*maxHeldPackets)
	}
}
