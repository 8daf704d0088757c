package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// maxAllHeld bounds the bytes that decoders hold of all connections.
const maxAllHeld = 32 << 20

// missingState is what a connection has of it while a header table is missing,
// or windows are.
type missingState struct {
	asks    recover.Asks
	windows recover.Windows
	vain    int // how often the decoder has held something for nothing
	bytes   int // that it holds
}

func (c *tracedConn) hold() *recover.Hold {
	if c.cleartext != nil {
		return &recover.HoldPackets
	}
	return &recover.HoldRecords
}

// expectTable is called before more of what was received is given to the decoder. It has
// that hold it for the table that may come. Once a process reads on, no table comes
// any more for what it read before.
func (c *tracedConn) expectTable(at ktime.Time) {
	if c.missing == nil {
		return
	}
	if c.decoder.Holds() {
		if c.cleartext != nil {
			return
		}
		c.missing.vain++
		c.release()
	}
	if c.missing != nil && c.holds() {
		c.decoder.Hold(at)
	}
}

// holds reports whether a table of received blocks may come.
func (c *tracedConn) holds() bool {
	return c.table.recovery.probes.On() && !c.decoder.TableKnown(decoder.Recv) &&
		c.hold().Pays(c.missing.vain, c.decoder.Protocol() == decoder.HTTP2, c.decoder.Decided())
}

// given is called when the decoder was given more. It bounds what that holds.
func (c *tracedConn) given() {
	m := c.missing
	if m == nil || !c.decoder.Holds() {
		return
	}
	_, bytes := c.decoder.Held()
	c.table.recovery.held += bytes - m.bytes
	m.bytes = bytes
	if bytes > c.hold().Bytes || c.table.recovery.held > maxAllHeld {
		m.vain++
		c.release()
	}
}

// release decodes what is held.
func (c *tracedConn) release() {
	if len(c.early.held) > 0 {
		c.releaseEarly(0)
	}
	if m := c.missing; m != nil {
		c.table.recovery.held -= m.bytes
		m.bytes = 0
	}
	if c.decoder.Holds() {
		c.decoder.Release()
		c.decoded()
		for dir := range c.next {
			c.leaveOut(dir)
		}
	}
}

// releaseOld decodes what is held for too long.
func (c *tracedConn) releaseOld(now ktime.Time) {
	if !c.decoder.Holds() {
		return
	}
	if since, _ := c.decoder.Held(); since.Add(c.hold().Longest) < now {
		c.missing.vain++
		c.release()
	}
}

// decodedUpTo is the offset of a direction up to which the decoder has taken bytes.
func (c *tracedConn) decodedUpTo(dir decoder.Direction) uint64 {
	return c.next[dir].offset - uint64(c.decoder.Pending(dir))
}

// decoderPlace returns the place of the decoder that an offset of a direction is: it
// may have begun after an upgrade.
func (c *tracedConn) decoderPlace(dir int, offset int64) int64 {
	d := decoder.Direction(dir)
	return c.decoder.Place(d) + offset - int64(c.decodedUpTo(d))
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
	switch {
	case c.cleartext == nil:
		s.From = c.decoderPlace(bpf.Recv, int64(t.End)-int64(t.Read))
		s.To = c.decoderPlace(bpf.Recv, int64(t.End))
	case c.cleartext.known[bpf.Recv]:
		s.From = c.decoderPlace(bpf.Recv, c.place(bpf.Recv, uint32(t.End)))
	default:
		return // its sequence number is of no place yet, and nothing is held
	}
	c.recover(t.Time, bpf.Recv, s)
	c.release()
}

// recover hands a table to the decoder. One that does not fit is worth no
// word: headers_error says that there is none.
func (c *tracedConn) recover(at ktime.Time, dir int, s decoder.Snapshot) {
	_ = c.decoder.Recover(max(at, c.latest), decoder.Direction(dir), s)
}

// settled reports whether nothing is missing, or none will be found: the
// connection speaks something else.
func (c *tracedConn) settled() bool {
	if c.missing == nil {
		return false
	}
	if c.decoder.Holds() {
		return false
	}
	known := c.decoder.TableKnown(decoder.Send) && c.decoder.TableKnown(decoder.Recv) && c.windowsSettled()
	return known || c.decoder.Decided() && c.decoder.Protocol() != decoder.HTTP2
}
