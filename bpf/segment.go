package bpf

import (
	"fmt"
	"unsafe"
)

const segmentHeaderSize = int(unsafe.Offsetof(probesSegmentRecord{}.Payload))

func (r *Record) parseSegment(sample []byte) error {
	d, err := view[probesSegmentRecord](sample, segmentHeaderSize)
	if err != nil {
		return err
	}
	payload, err := payloadOf(sample[segmentHeaderSize:], d.Len, d.H.Dir)
	if err != nil {
		return fmt.Errorf("segment record: %w", err)
	}
	r.Conn = d.Conn
	r.Data = Data{
		Dir:       int(d.H.Dir),
		Seq:       d.Seq,
		Offset:    d.Offset,
		Payload:   payload,
		Lost:      Reasons(d.Lost),
		LostBytes: d.LostBytes,
		Stale:     d.H.Stale != 0,
		LeftOut:   int(d.LeftOut),
		First:     d.First,

		LostRecords: d.LostRecords,
		Followed:    d.Followed != 0,
	}
	return nil
}
