package tcp

import (
	"testing"

	"h2trace/decoder/ktime"
)

// discard is a Sink that only counts.
type discard struct{ bytes, missing uint64 }

func (d *discard) Data(_ ktime.Time, b []byte)             { d.bytes += uint64(len(b)) }
func (d *discard) Missing(_ ktime.Time, n uint64, _ Cause) { d.missing += n }

// BenchmarkInOrder takes segments in order, as on an idle machine.
func BenchmarkInOrder(b *testing.B) {
	a, sink, segment := NewBudget(1<<20), &discard{}, make([]byte, 16384)
	var s Stream
	off := uint64(0)
	b.SetBytes(int64(len(segment)))
	b.ReportAllocs()
	for b.Loop() {
		s.Segment(1, off, segment, false, a, sink)
		off += uint64(len(segment))
	}
}

// BenchmarkOvertaken takes pairs of segments, the second of each before the first.
func BenchmarkOvertaken(b *testing.B) {
	a, sink, segment := NewBudget(1<<20), &discard{}, make([]byte, 1448)
	var s Stream
	off := uint64(0)
	b.SetBytes(2 * 1448)
	b.ReportAllocs()
	for b.Loop() {
		s.Segment(1, off+1448, segment, false, a, sink)
		s.Segment(1, off, segment, false, a, sink)
		off += 2 * 1448
	}
}

// BenchmarkRetransmitted takes 64 segments after one that is retransmitted.
func BenchmarkRetransmitted(b *testing.B) {
	a, sink, segment := NewBudget(1<<20), &discard{}, make([]byte, 1448)
	var s Stream
	off := uint64(0)
	b.SetBytes(65 * 1448)
	b.ReportAllocs()
	for b.Loop() {
		for i := range uint64(64) {
			s.Segment(1, off+(i+1)*1448, segment, false, a, sink)
		}
		s.Segment(1, off, segment, false, a, sink)
		off += 65 * 1448
	}
}

// BenchmarkStream takes short streams from beginning to end.
func BenchmarkStream(b *testing.B) {
	a, sink, segment := NewBudget(1<<20), &discard{}, make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		var s Stream
		s.Segment(1, 0, segment, false, a, sink)
		s.Segment(1, 300, segment, false, a, sink)
		s.Flush(2, a, sink)
	}
}
