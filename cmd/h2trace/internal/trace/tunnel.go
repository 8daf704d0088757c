package trace

import (
	"h2trace/bpf"
	"h2trace/export"
)

// mayHold reports whether one of two connections on a socket may be inside the other.
// Both were there before the capture.
func (c *connInfo) mayHold(later *connInfo) bool {
	return c.scheme == "https" && c.event.Joined == export.JoinedMid && later.event.Joined == export.JoinedMid
}

// tell finds out which of two connections on a socket is inside the other. The outer
// one carries TLS records, and a Write begins with one.
func (c *tracedConn) tell(d *bpf.Data) {
	inner, outer := c, c.beside
	switch {
	case isRecord(d.Payload):
		inner, outer = outer, inner
	case d.Dir == bpf.Recv: // maybe the rest of one
		return
	}
	c.beside = nil
	outer.tunnel = true
	c.table.recovery.leave(outer)
	inner.event.Via = outer.asProxy()
	if at := inner.socket(); c.table.sockets[at] == outer && !inner.finished() {
		c.table.sockets[at] = inner
	}
}

// isRecord reports whether b begins with the header of a record of TLS
// (RFC 8446 §5.1).
func isRecord(b []byte) bool {
	const maxCiphertext = 1<<14 + 2048 // of TLS 1.2 (RFC 5246 §6.2.3)
	return len(b) >= 5 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && int(b[3])<<8|int(b[4]) <= maxCiphertext
}
