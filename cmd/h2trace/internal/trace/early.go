package trace

import (
	"bytes"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// maxEarlyBytes bounds what is held of a connection until its TLS handshake is
// over.
const maxEarlyBytes = 64 << 10

// heldData is a record of data that was read from the ring and not decoded.
type heldData struct {
	at ktime.Time
	bpf.Data
}

// early is what a connection was given to send while its TLS handshake was not
// over. A Write on a tls.Conn makes the handshake first where nobody has: its bytes
// wait in it for as long. They are no input of the decoder yet: when they were sent
// is known after the handshake, or that they never were.
type early struct {
	over  bool // the handshake is, or nothing will tell
	held  []heldData
	bytes int
}

// holdEarly keeps back what is sent before the end of the handshake, and reports
// whether it did.
func (c *tracedConn) holdEarly(at ktime.Time, d *bpf.Data) bool {
	e := &c.early
	if e.over {
		return false
	}
	if c.cleartext != nil || c.event.Joined != export.JoinedStart || c.table.exchanges.off || d.Dir == bpf.Recv {
		c.releaseEarly(0)
		return false
	}
	own := *d
	own.Payload = bytes.Clone(d.Payload)
	e.held = append(e.held, heldData{at, own})
	if e.bytes += len(own.Payload); e.bytes > maxEarlyBytes {
		c.releaseEarly(0)
	}
	return true
}

// releaseEarly decodes what was held, as sent when the handshake was over, or at its
// own time where that was before.
func (c *tracedConn) releaseEarly(over ktime.Time) {
	held := c.early.held
	c.early = early{over: true}
	for i := range held {
		c.data(max(over, held[i].at), &held[i].Data)
	}
}

// dropEarly forgets what was held: the handshake has failed, so nothing of it was
// sent.
func (c *tracedConn) dropEarly() {
	for i := range c.early.held {
		d := &c.early.held[i].Data
		c.next[d.Dir] = position{d.Seq + 1, d.Offset + uint64(len(d.Payload))}
	}
	c.early = early{over: true}
}
