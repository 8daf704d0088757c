// Package tcp puts the segments of a direction of a TCP connection in order
// (RFC 9293 §3.4), as they were seen on their way: sent again, overtaken,
// overlapping, and some of them not seen at all. gopacket does.
//
// What it does not know is told apart here: bytes that are still on their way,
// bytes that were left out on purpose, and bytes that were lost to the observer
// alone. Of those left out it is told one by one, as if they were segments, or up
// to which place there may be some. The last two are never sent again, and gopacket would wait for them
// until it holds too much; it gets others in their place, which are not
// handed on.
//
// The package is told where in the stream each segment lies. It does no I/O and
// reads no clock.
package tcp
