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
	payload := sample[segmentHeaderSize:]
	if uint64(d.Len) > uint64(len(payload)) || int(d.H.Dir) > Recv {
		return fmt.Errorf("segment record with %d of %d bytes, direction %d", d.Len, len(payload), d.H.Dir)
	}
	r.Conn = d.Conn
	r.Data = Data{
		Dir:       int(d.H.Dir),
		Seq:       d.Seq,
		Offset:    d.Offset,
		Payload:   payload[:d.Len],
		Lost:      Reasons(d.Lost),
		LostBytes: d.LostBytes,
		LeftOut:   int(d.LeftOut),
		First:     d.First,

		LostRecords: d.LostRecords,
		Followed:    d.Followed != 0,
		Guess:       d.Guess,
	}
	return nil
}
