package trace

import (
	"bytes"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
	// maxPlainHold is how long packets are held for the table that goes with
	// them, and maxPlainBytes how much of a connection: the process may be far
	// behind with reading.
	maxPlainHold  = 500 * time.Millisecond
	maxPlainBytes = 2 << 20
	// maxPlainHolds is how often they are held in vain before that ends, until
	// a table comes.
	maxPlainHolds = 64
)

// heldPiece is a part of a direction without TLS that is not decoded yet: bytes,
// or n that are missing; or the table of a block that is about to be sent; or that
// some are missing which a later one will tell of.
type heldPiece struct {
	at     ktime.Time
	dir    int
	b      []byte
	n      uint64
	why    tcp.Cause
	table  *decoder.Snapshot
	missed bool
}

// holdPiece keeps a piece back, as data does, where the table of received blocks
// is missing: packets come before the process reads what is in them. It reports
// whether it did; then b is copied.
func (c *tracedConn) holdPiece(p heldPiece) bool {
	m := c.missing
	if m == nil || len(m.pieces) == 0 && (p.dir == bpf.Send || p.missed || m.vain >= maxPlainHolds || !c.holds()) {
		return false
	}
	p.b = bytes.Clone(p.b)
	m.pieces = append(m.pieces, p)
	m.bytes += len(p.b)
	if c.table.recovery.held += len(p.b); m.bytes > maxPlainBytes || c.table.recovery.held > maxAllHeld {
		m.vain++
		c.release()
	}
	return true
}

// unholdPieces returns what is held, which is not from then on.
func (c *tracedConn) unholdPieces() []heldPiece {
	m := c.missing
	pieces := m.pieces
	for i := range pieces {
		c.table.recovery.held -= len(pieces[i].b)
		m.bytes -= len(pieces[i].b)
	}
	m.pieces = nil
	return pieces
}

// releasePieces decodes what was held.
func (c *tracedConn) releasePieces(held []heldPiece) {
	for i := range held {
		switch p := &held[i]; {
		case p.table != nil:
			c.recover(p.at, p.dir, *p.table)
		case p.missed:
			c.missed(p.dir)
		case p.n > 0:
			plainSink{c, p.dir}.miss(p.at, p.n, p.why)
		default:
			plainSink{c, p.dir}.data(p.at, p.b)
		}
	}
}
