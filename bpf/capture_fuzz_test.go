//go:build linux

package bpf

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"
)

// FuzzCapture has arbitrary records of packets, then a packet in pieces: it comes back whole, or as
// segments if it is longer than any can be.
func FuzzCapture(f *testing.F) {
	f.Add([]byte{}, []byte("a packet that comes in pieces"), uint32(0), uint16(7), uint32(0))
	f.Add(bytes.Repeat([]byte{1}, 200), hugePacket(false, false, 1000), uint32(0), uint16(300), uint32(400))
	f.Add(bytes.Repeat([]byte{0}, 90), hugePacket(true, true, 0), uint32(90_000), uint16(9999), uint32(1000))
	f.Fuzz(func(t *testing.T, sample, packet []byte, more uint32, size uint16, segment uint32) {
		packet = append(packet[:min(len(packet), room/2)], make([]byte, more%(2*maxPacket))...)
		c := &Capture{pieces: make(map[pieceKey][]byte)}
		sample = inRing(sample[:min(len(sample), room/2)], 0xff)
		if whole, err := c.parse(sample); whole && err == nil && len(c.packet.Bytes) > len(sample) {
			t.Fatalf("a packet of %d bytes in %d", len(c.packet.Bytes), len(sample))
		}
		if len(packet) == 0 {
			return
		}
		step := min(max(1+len(packet)/64, int(size)), room/2)
		want := cut(nil, packet, int(segment))
		got := taken(t, c, packet, step, segment)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %d packets, want %d", len(got), len(want))
		}
		for key := range c.pieces {
			if key.time == 77 {
				t.Errorf("a piece of the packet is left")
			}
		}
	})
}

// taken returns what a Capture makes of a packet in pieces.
func taken(t *testing.T, c *Capture, packet []byte, size int, segment uint32) (got [][]byte) {
	t.Helper()
	const head = int(unsafe.Offsetof(captureCaptureRecord{}.Bytes))
	for at := 0; at < len(packet); at += size {
		b := packet[at:min(at+size, len(packet))]
		sample := inRing(make([]byte, head+len(b)), 0xff)
		r := (*captureCaptureRecord)(unsafe.Pointer(unsafe.SliceData(sample)))
		r.Time, r.Whole, r.At, r.Len, r.Segment = 77, uint32(len(packet)), uint32(at), uint32(len(b)), segment
		copy(sample[head:], b)
		c.cut = c.cut[:0]
		whole, err := c.parse(sample)
		switch {
		case err != nil:
			t.Fatal(err)
		case whole:
			got = append(got, bytes.Clone(c.packet.Bytes))
		default:
			for _, p := range c.cut {
				got = append(got, bytes.Clone(p))
			}
		}
	}
	return got
}
