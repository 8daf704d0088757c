package trace

import (
	"bytes"
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/tcp"
)

const (
	frameHeaderLen = 9 // RFC 9113 §4.1
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
	at     int64
	dir    int
	b      []byte
	n      uint64
	why    tcp.Cause
	table  *decoder.Snapshot
	missed bool
}

func (p *heldPiece) len() uint64 { return uint64(len(p.b)) + p.n }

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

// receivedFrame takes the table that the process had when it began to decode the
// block of the frame at a sequence number. The frame is held, or decoded already.
func (c *tracedConn) receivedFrame(at int64, t *bpf.Table) {
	m := c.missing
	m.vain = 0
	ahead := c.place(bpf.Recv, uint32(t.End)) - int64(c.next[bpf.Recv].offset)
	if ahead < 0 {
		c.release()
		return
	}
	i, within, header := m.frameAt(uint64(ahead))
	if header == nil || decoder.Type(header[3]) != decoder.TypeHeaders {
		c.release()
		return
	}
	length := int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
	pieces := c.unholdPieces()
	before, behind := pieces[:i:i], pieces[i:]
	if within > 0 {
		first := behind[0]
		first.b = first.b[:within]
		before = append(before, first)
		behind[0].b = behind[0].b[within:]
	}
	c.releasePieces(before)
	if c.missing == m { // else a loss in what was held ended the search
		c.recover(at, bpf.Recv, decoder.Snapshot{
			Entries:        fields(t.Entries),
			MaxSize:        t.MaxSize,
			Fragment:       t.Fragment,
			FragmentLength: t.FragmentLength,
			Within:         frameHeaderLen + length,
		})
	}
	c.releasePieces(behind)
}

// frameAt returns the header of the frame that begins so many bytes behind what is
// decoded of what was received, and where: in piece i, behind so many of its bytes.
// It is nil where the frame is not held.
func (m *missingState) frameAt(ahead uint64) (i int, within uint64, header []byte) {
	received := func(p heldPiece) bool { return p.dir == bpf.Recv }
	for i = 0; i < len(m.pieces); i++ {
		p := &m.pieces[i]
		if p.dir != bpf.Recv {
			continue
		}
		if ahead < p.len() {
			break
		}
		ahead -= p.len()
	}
	if i == len(m.pieces) || m.pieces[i].n > 0 {
		return 0, 0, nil
	}
	header = slices.Clone(m.pieces[i].b[ahead:min(ahead+frameHeaderLen, m.pieces[i].len())])
	for rest := m.pieces[i+1:]; len(header) < frameHeaderLen; {
		j := slices.IndexFunc(rest, received)
		if j < 0 || rest[j].n > 0 {
			return 0, 0, nil
		}
		header = append(header, rest[j].b[:min(frameHeaderLen-len(header), len(rest[j].b))]...)
		rest = rest[j+1:]
	}
	return i, ahead, header
}
