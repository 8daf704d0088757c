package trace

import (
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// maxBuffered bounds the bytes that all decoders hold.
const maxBuffered = 32 << 20

// missingState is the state of a connection while header tables or windows are missing.
type missingState struct {
	hold     *recover.Hold
	asks     recover.Asks
	windows  recover.Windows
	vain     int      // how often the decoder has held something for nothing
	buffered int      // bytes that it holds
	placed   []sample // that wait for their places
}

// pays reports whether a decoder should hold received bytes, because a table for them
// may come.
func (m *missingState) pays(d *decoder.Conn) bool {
	return !d.TableKnown(decoder.Recv) && m.hold.Pays(m.vain, d.Protocol() == decoder.HTTP2, d.Decided())
}

// isOld reports whether a decoder has held bytes for too long.
func (m *missingState) isOld(d *decoder.Conn, now ktime.Time) bool {
	since, _ := d.Held()
	return d.Holds() && since.Add(m.hold.Longest) < now
}

// windowsSettled reports whether the windows need nothing more.
func (m *missingState) windowsSettled(d *decoder.Conn) bool {
	return m.windows.Settled(d.WindowsKnown())
}

// settled reports whether nothing is missing, or nothing will be found because the
// connection speaks another protocol.
func (m *missingState) settled(d *decoder.Conn) bool {
	if d.Holds() {
		return false
	}
	known := d.TableKnown(decoder.Send) && d.TableKnown(decoder.Recv) && m.windowsSettled(d)
	return known || d.Decided() && d.Protocol() != decoder.HTTP2
}

// expectTable is called before the decoder gets more received bytes. The decoder then
// holds them for a table that may come. Once a process reads on, no table comes for
// what it read before.
func (c *tracedConn) expectTable(at ktime.Time) {
	if c.missing == nil {
		return
	}
	if c.decoder.Holds() {
		if c.wire != nil {
			return
		}
		c.missing.vain++
		c.release()
	}
	if c.missing != nil && c.table.recovery.probes.On() && c.missing.pays(c.decoder) {
		c.decoder.Hold(at)
	}
}

// given is called after the decoder got more bytes. It bounds what the decoder holds.
func (c *tracedConn) given() {
	m := c.missing
	if m == nil || !c.decoder.Holds() {
		return
	}
	_, bytes := c.decoder.Held()
	c.table.recovery.buffered += bytes - m.buffered
	m.buffered = bytes
	if bytes > m.hold.Bytes || c.table.recovery.buffered > maxBuffered {
		m.vain++
		c.release()
	}
}

// release decodes what is held.
func (c *tracedConn) release() {
	if len(c.early.records) > 0 {
		c.releaseEarly(0)
	}
	if m := c.missing; m != nil {
		c.table.recovery.buffered -= m.buffered
		m.buffered = 0
	}
	if c.decoder.Holds() {
		c.decoder.Release()
		c.decoded()
		for dir := range c.next {
			c.leaveOut(dir)
		}
	}
}
