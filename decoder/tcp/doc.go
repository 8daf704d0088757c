// Package tcp puts the segments of a direction of a TCP connection in order
// (RFC 9293 §3.4), as they were seen on their way: sent again, overtaken,
// overlapping, and some of them not seen at all.
//
// It is told where in the stream each segment lies, and does no I/O and reads
// no clock. It does not use a library for packets, because it has to tell apart
// what those take for the same: bytes that are still on their way, bytes that
// were left out on purpose, and bytes that were lost to the observer alone,
// which are never sent again.
package tcp
