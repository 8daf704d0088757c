//go:build linux

package bpf

import (
	"strings"
	"testing"
	"unsafe"
)

// TestEventsReused parses the records of each frame: that takes no allocation, and
// each event is reused.
func TestEventsReused(t *testing.T) {
	data := sampleOf(&probesDataRecord{Conn: 7, Len: 5, Seq: 3}, uint8(probesRecordKindRECORD_DATA))
	segment := sampleOf(&probesSegmentRecord{Conn: 8, Len: 5, Seq: 4}, uint8(probesRecordKindRECORD_SEGMENT))
	copy(data[dataHeaderSize:], "bytes")
	copy(segment[segmentHeaderSize:], "other")
	var p parser
	first, err := p.parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range [][]byte{data, segment} {
		if n := testing.AllocsPerRun(100, func() { _, err = p.parse(sample) }); n > 0 || err != nil {
			t.Errorf("%v allocations an event, error %v", n, err)
		}
	}
	again, err := p.parse(data)
	if d, ok := again.(*Data); err != nil || !ok || again != first || d.Conn != 7 || d.Seq != 3 || string(d.Payload) != "bytes" {
		t.Errorf("got %+v, %v", again, err)
	}
}

// TestEventsDamaged parses samples that are shorter than they state, or of no kind.
func TestEventsDamaged(t *testing.T) {
	long := sampleOf(&probesDataRecord{Len: 1 << 20}, uint8(probesRecordKindRECORD_DATA))
	for _, tt := range []struct {
		name   string
		sample []byte
		want   string
	}{
		{"empty", nil, "record of 0 bytes"},
		{"short", sampleOf(&probesOpenRecord{}, uint8(probesRecordKindRECORD_OPEN))[:40], "record of 40 bytes"},
		{"payload", long, "data record: 1048576 of"},
		{"kind", sampleOf(&probesOpenRecord{}, 200), "unknown kind 200"},
	} {
		var p parser
		if e, err := p.parse(tt.sample); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, error %v", tt.name, e, err)
		}
	}
}

// sampleOf returns the sample in the ring for a record, which begins with its head.
func sampleOf[T any](record *T, kind uint8) []byte {
	(*probesRecordHeader)(unsafe.Pointer(record)).Kind = kind
	return unsafe.Slice((*byte)(unsafe.Pointer(record)), unsafe.Sizeof(*record))
}
