// Package tcp reassembles one direction of a TCP connection from its segments
// (RFC 9293 §3.4). An observer sees them as the network carried them: retransmitted,
// out of order, overlapping, and some not at all.
//
// A Stream reports bytes and holes in stream order. A hole has a length and a
// Cause: the bytes were left out on purpose, the observer lost them, or so many
// bytes came after them that the Stream gave up. Bytes still in flight are no
// hole: the Stream holds the segments after them.
//
// The caller gives the offset of each segment. The package does no I/O and reads
// no clock.
package tcp
