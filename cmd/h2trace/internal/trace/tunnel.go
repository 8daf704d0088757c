package trace

import (
	"h2trace/bpf"
	"h2trace/decoder/tls/record"
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

// isRecord reports whether b begins with the header of a record of TLS.
func isRecord(b []byte) bool { return len(b) >= record.HeaderSize && record.IsHeader(b) }
