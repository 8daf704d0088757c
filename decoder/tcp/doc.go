// Package tcp puts the segments of a direction of a TCP connection in order
// (RFC 9293 §3.4), as they were seen on their way: sent again, overtaken,
// overlapping, and some of them not seen at all.
//
// A Stream hands on bytes and holes in the order of the stream. A hole has a
// length and a Cause: the bytes were left out on purpose, the observer lost
// them, or so many came after them that the Stream gave up. Bytes that are only
// on their way are no hole: the Stream holds what comes after them.
//
// The package is told where in the stream each segment lies. It does no I/O and
// reads no clock.
package tcp
