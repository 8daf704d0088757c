package trace

import (
	"bytes"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// maxHold is how long what was read is held for the table that goes with
	// it: the kernel sends it as soon as the process decodes what it read.
	maxHold = 100 * time.Millisecond
	// maxHeldBytes bounds what is held of a connection, and maxAllHeld of all,
	// also of those without TLS.
	maxHeldBytes = 64 << 10
	maxAllHeld   = 32 << 20
	// maxVainHolds is how often a connection that is not known to speak
	// HTTP/2 is held for nothing before that ends.
	maxVainHolds = 1024
)

// missingState is what a connection has of it while a header table is missing,
// or windows are.
type missingState struct {
	windows missingWindows

	asks  int
	used  [2]int // tables that came since the last ask, by direction
	held  []heldData
	bytes int
	vain  int
	// pieces are what is held of a connection without TLS.
	pieces []heldPiece
}

// heldData is a record of data that was read from the ring and not decoded.
type heldData struct {
	at ktime.Time
	bpf.Data
}

// data decodes a record. While the table of received blocks is missing, what
// was read is held until the table that goes with it comes, or cannot come any
// more because the process went on to read; what is sent meanwhile waits too, so
// that the order stays.
func (c *tracedConn) data(at ktime.Time, d *bpf.Data) {
	if c.holdEarly(at, d) {
		return
	}
	m := c.missing
	if m == nil {
		c.feed(at, d)
		return
	}
	if d.Dir == bpf.Recv && len(m.held) > 0 {
		m.vain++
		c.release()
		if c.missing != m { // a loss in what was held ended the search
			c.data(at, d)
			return
		}
	}
	if len(m.held) == 0 && (d.Dir == bpf.Send || !c.holds()) {
		c.feed(at, d)
		return
	}
	own := *d
	own.Payload = bytes.Clone(d.Payload)
	m.held = append(m.held, heldData{at, own})
	m.bytes += len(own.Payload)
	if c.table.recovery.held += len(own.Payload); m.bytes > maxHeldBytes || c.table.recovery.held > maxAllHeld {
		c.release()
	}
}

// holds reports whether a table of received blocks may come.
func (c *tracedConn) holds() bool {
	likely := c.missing.vain < maxVainHolds && !c.decoder.Decided() || c.decoder.Protocol() == decoder.HTTP2
	return likely && c.table.recovery.on && !c.decoder.TableKnown(decoder.Recv)
}

// release decodes what is held.
func (c *tracedConn) release() {
	if len(c.early.held) > 0 {
		c.releaseEarly(0)
	}
	m := c.missing
	if m == nil {
		return
	}
	held, pieces := m.held, c.unholdPieces()
	c.table.recovery.held -= m.bytes
	m.held, m.bytes = nil, 0
	for i := range held {
		c.feed(held[i].at, &held[i].Data)
	}
	c.releasePieces(pieces)
}

// holding returns since when something is held, if anything is.
func (m *missingState) holding() (since ktime.Time, ok bool) {
	switch {
	case len(m.held) > 0:
		return m.held[0].at, true
	case len(m.pieces) > 0:
		return m.pieces[0].at, true
	}
	return 0, false
}

// releaseOld decodes what is held for too long.
func (c *tracedConn) releaseOld(now ktime.Time) {
	m, longest := c.missing, maxHold
	if m == nil {
		return
	}
	if c.plain != nil {
		longest = maxPlainHold
	}
	if since, ok := m.holding(); ok && since < now.Add(-longest) {
		m.vain++
		c.release()
	}
}

// received takes the table that the process had when it began to decode what it had
// read last, with TLS, or the frame that begins at a sequence number, without. What
// is held may be that.
func (c *tracedConn) received(t *bpf.Table) {
	c.missing.vain = 0
	s := decoder.Snapshot{
		Entries:        fields(t.Entries),
		MaxSize:        t.MaxSize,
		Fragment:       t.Fragment,
		FragmentLength: t.FragmentLength,
	}
	if c.plain != nil {
		s.From = c.decoderPlace(bpf.Recv, c.place(bpf.Recv, uint32(t.End)))
	} else {
		s.From = c.decoderPlace(bpf.Recv, int64(t.End)-int64(t.Read))
		s.To = c.decoderPlace(bpf.Recv, int64(t.End))
	}
	c.recover(t.Time, bpf.Recv, s)
	c.release()
}

// decoderPlace returns the place of the decoder that an offset of a direction is: it
// may have begun behind an upgrade.
func (c *tracedConn) decoderPlace(dir int, offset int64) int64 {
	return c.decoder.Place(decoder.Direction(dir)) + offset - int64(c.next[dir].offset)
}

// recover hands a table to the decoder. One that does not fit is worth no
// word: headers_error says that there is none.
func (c *tracedConn) recover(at ktime.Time, dir int, s decoder.Snapshot) {
	_ = c.decoder.Recover(int64(max(at, c.latest)), decoder.Direction(dir), s)
}

// settled reports whether nothing is missing, or none will be found: the
// connection speaks something else.
func (c *tracedConn) settled() bool {
	if c.missing == nil {
		return false
	}
	if _, ok := c.missing.holding(); ok {
		return false
	}
	known := c.decoder.TableKnown(decoder.Send) && c.decoder.TableKnown(decoder.Recv) && c.windowsSettled()
	return known || c.decoder.Decided() && c.decoder.Protocol() != decoder.HTTP2
}
