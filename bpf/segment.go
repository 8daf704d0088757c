package bpf

import (
	"fmt"
	"unsafe"
)

// Segment is the payload of a TCP segment, or a part of it. Segments arrive in the order in which the kernel handled them, maybe out of
// order and more than once. Their Seq may be in another order if two CPUs handled
// them. LostRecords and LostBytes count the losses since the connection began, and
// Lost says why. Stale is as in Data. Payload is valid until the next Read.
// After it, LeftOut bytes of the stream are not copied: the payload of a DATA frame.
type Segment struct {
	Head
	Wire        Wire
	Dir         int // Send or Recv
	Seq         uint64
	Offset      uint64
	Payload     []byte
	LeftOut     int
	Lost        Reasons
	LostRecords uint32
	LostBytes   uint64
	Stale       bool
	PeerEnded   bool   // the process sends it after the FIN of its peer
	First       uint32 // the sequence number of offset 0 (RFC 9293 §3.4)
}

const segmentHeaderSize = int(unsafe.Offsetof(probesSegmentRecord{}.Payload))

func (s *Segment) parse(head Head, sample []byte) error {
	raw, err := view[probesSegmentRecord](sample, segmentHeaderSize)
	if err != nil {
		return err
	}
	payload, err := payloadOf(sample[segmentHeaderSize:], raw.Len, raw.H.Dir)
	if err != nil {
		return fmt.Errorf("segment record: %w", err)
	}
	head.Conn = raw.Conn
	*s = Segment{
		Head:        head,
		Wire:        wireOf(raw.Conn),
		Dir:         int(raw.H.Dir),
		Seq:         raw.Seq,
		Offset:      raw.Offset,
		Payload:     payload,
		LeftOut:     int(raw.LeftOut),
		Lost:        Reasons(raw.Lost),
		LostRecords: raw.LostRecords,
		LostBytes:   raw.LostBytes,
		Stale:       raw.H.Stale != 0,
		PeerEnded:   raw.H.PeerEnded != 0,
		First:       raw.First,
	}
	return nil
}
