package bpf

// Segment is the payload of a TCP segment, or a part of it. Segments arrive in the order in
// which the kernel handled them, maybe out of order and more than once. Their Seq may be in
// another order if two CPUs handled them. LostRecords and LostBytes count the losses since the
// connection began, and Lost says why. Stale is as in Data. Payload is valid until the next
// Read. After it, LeftOut bytes of the stream are not copied: the payload of a DATA frame.
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
	Acked       uint64 // of a capture: the sender had all bytes of the other direction before it
	First       uint32 // the sequence number of offset 0 (RFC 9293 §3.4)
}
