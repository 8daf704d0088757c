// Package tcp reassembles one direction of a TCP connection from its segments
// (RFC 9293 §3.4). An observer sees them as the network carried them: retransmitted,
// out of order, overlapping, and some not at all.
//
// A Stream reports bytes and holes in stream order. A hole has a length and a
// Cause: the bytes were left out on purpose, the observer lost them, or so many
// bytes came after them that the Stream gave up. Bytes still in flight are no
// hole: the Stream holds the segments after them.
//
// The caller gives the offset of each segment. Where that has a sequence number, Offset
// returns it:
//
//	var s tcp.Stream // of one direction, whose SYN has the number first-1
//	reach := uint64(0)
//	for _, p := range segments {
//		if at := tcp.Offset(p.Seq, first, reach); at >= 0 {
//			reach = max(reach, uint64(at)+uint64(len(p.Payload)))
//			s.Segment(p.Time, uint64(at), p.Payload, false, budget, sink)
//		}
//	}
//	s.Flush(last, budget, sink)
//
// A Stream does not read acknowledgments. A Conn does: it reassembles both directions of a
// connection, and reports an answer after its question. Numbers gives it the offsets of
// captured segments, and says which segment ends a connection or begins another one.
//
// A Stream holds 4 MiB at most, and a piece counts as 2 KiB at least. A Conn holds 1 MiB more
// of each direction. The package does no I/O and reads no clock.
package tcp
