package trace

import (
	"bytes"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// maxEarlyBytes bounds what is kept of a connection until its TLS handshake is over.
const maxEarlyBytes = 64 << 10

// earlyRecord is a record written before the handshake was over.
type earlyRecord struct {
	at ktime.Time
	bpf.Data
}

// early keeps what a process writes before the TLS handshake is over. The first Write
// on a tls.Conn makes the handshake, and its bytes wait for it. They are no input of
// the decoder yet. When they were sent is known after the handshake, or that they never
// were.
type early struct {
	over    bool // the handshake is, or nothing will tell
	failed  bool // the handshake has
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

// end returns what was kept. The handshake is over.
func (e *early) end() []earlyRecord {
	records := e.records
	*e = early{over: true}
	return records
}

// releaseEarly decodes what was kept. A record was sent at the end of the handshake, or
// at its own time if that is later.
func (c *tracedConn) releaseEarly(over ktime.Time) {
	for _, r := range c.early.end() {
		c.feed(max(over, r.at), &r.Data)
	}
}

// fail drops what was kept. The handshake has failed, so nothing of it was sent.
func (e *early) fail(next *[2]position) {
	for _, r := range e.end() {
		next[r.Dir] = positionAfter(&r.Data)
	}
	e.failed = true
}

// positionAfter returns the position after a record.
func positionAfter(d *bpf.Data) position {
	return position{d.Seq + 1, d.Offset + uint64(len(d.Payload))}
}
