package trace

import (
	"bytes"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// maxEarlyBytes bounds what is held of a connection until its TLS handshake is
// over.
const maxEarlyBytes = 64 << 10

// earlyRecord is a record of what was written before the handshake was over.
type earlyRecord struct {
	at ktime.Time
	bpf.Data
}

// early is what a connection was given to send while its TLS handshake was not
// over. A Write on a tls.Conn makes the handshake first where nobody has: its bytes
// wait in it for as long. They are no input of the decoder yet: when they were sent
// is known after the handshake, or that they never were.
type early struct {
	over    bool // the handshake is, or nothing will tell
	records []earlyRecord
	bytes   int
}

// add keeps a record, and returns how many bytes are kept.
func (e *early) add(at ktime.Time, d *bpf.Data) int {
	own := *d
	own.Payload = bytes.Clone(d.Payload)
	e.records = append(e.records, earlyRecord{at, own})
	e.bytes += len(own.Payload)
	return e.bytes
}

// end returns what was kept: the handshake is over.
func (e *early) end() []earlyRecord {
	records := e.records
	*e = early{over: true}
	return records
}

// releaseEarly decodes what was kept, as sent when the handshake was over, or at its
// own time where that was before.
func (c *tracedConn) releaseEarly(over ktime.Time) {
	for _, r := range c.early.end() {
		c.feed(max(over, r.at), &r.Data)
	}
}

// drop forgets what was kept: the handshake has failed, so nothing of it was sent. It
// moves the positions on to after it.
func (e *early) drop(next *[2]position) {
	for _, r := range e.end() {
		next[r.Dir] = position{r.Seq + 1, r.Offset + uint64(len(r.Payload))}
	}
}
