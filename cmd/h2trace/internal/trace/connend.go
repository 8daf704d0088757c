package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// connEnd is how a connection ended: by a close that the kernel reported, or
// with its process.
type connEnd struct {
	at     ktime.Time
	totals bpf.Totals
	told   *bpf.Close     // nil where it ended with its process
	state  *bpf.ConnState // of one that did: what the kernel held, if anything
}

// by says who ended the connection.
func (e *connEnd) by() exchange.Ended {
	c := e.told
	switch {
	case c == nil:
		return exchange.EndedByProcess
	case c.Path.EndedByPeer():
		return exchange.EndedByPeer
	case !c.Socket:
		return exchange.EndedUnknown
	case c.Path.Err() != 0:
		return exchange.EndedByNetwork
	}
	return exchange.EndedByProcess
}

// finish completes the decoding, prints the close event if there was a close,
// and frees the connection. A second call does nothing.
func (c *tracedConn) finish() {
	if c.finished() {
		return
	}
	t := c.table
	delete(t.byID, c.id)
	delete(t.adrift, c)
	t.waiters.finished(c)
	t.leave(c)
	t.hellos.closed(c)
	c.release()
	t.recovery.leave(c)
	known := c.endsKnown()
	// A process may write to a connection that the peer has ended already.
	end, by, over, ended := c.closed, exchange.NotEnded, max(c.latest, c.since), max(c.latest, t.until)
	switch {
	case end != nil:
		over = max(over, end.at)
		by, ended = end.by(), over
		c.settle(over, end.totals)
	case c.cleartext != nil:
		c.cleartext.flush(c, c.latest)
	}
	if !known {
		c.doubt()
	}
	t.recovery.leave(c) // a last loss made tables unknown
	c.decoder.Close(over)
	if c.isNothing() {
		c.dismiss()
	} else {
		c.announce()
		c.tracker.Close(ended, by)
		c.endVerify()
		if end != nil {
			c.printClose(known)
		}
	}
	t.requests.ended = append(t.requests.ended, c.entry())
}

// printClose prints the close event, with how much was said where all of that is known.
func (c *tracedConn) printClose(known bool) {
	e := export.ConnClose{Error: c.mixed}
	if known {
		e.BytesSent, e.BytesReceived = &c.next[bpf.Send].offset, &c.next[bpf.Recv].offset
	}
	frames := uint64(c.decoder.Frames(decoder.Send) + c.decoder.Frames(decoder.Recv))
	e.Frames = &frames
	if told := c.closed.told; told != nil && told.Socket {
		e.Path = pathOf(&told.Path)
	}
	c.table.events.Conn(c.at(c.closed.at), &c.event, e)
}

// entry returns what the kernel holds of a connection that has ended.
func (c *tracedConn) entry() bpf.Entry {
	switch end := c.closed; {
	case end != nil && end.told != nil:
		return end.told.Entry()
	case end != nil && end.state != nil:
		return end.state.Entry()
	}
	return bpf.Entry{ID: c.id}
}

// endsKnown reports whether all is known that a connection said up to its end. The
// kernel's account of one without TLS goes with its socket, and comes with the
// close: where that is missing, and records were lost since the last one of the
// connection, some may have been of it. Nor is it known where the account of losses
// cannot be read; that error comes again with the next look.
func (c *tracedConn) endsKnown() bool {
	if c.cleartext == nil || c.closed != nil && c.closed.told != nil {
		return true
	}
	a := &c.table.audit
	err := a.look(c.table)
	return err == nil && (a.lostAt == 0 || a.lostAt < c.latest)
}

// doubt notes that both directions may have said more, and ended, unseen.
func (c *tracedConn) doubt() {
	for _, dir := range [...]decoder.Direction{decoder.Send, decoder.Recv} {
		if c.decoder.Protocol() == decoder.HTTP1 {
			c.decoder.Gap(c.latest, dir, -1)
		} else {
			c.decoder.Missed(dir)
		}
	}
}

func (c *tracedConn) finished() bool { return c.table.byID[c.id] != c }

// pathOf returns what TCP knew of a path, for printing.
func pathOf(p *bpf.Path) *export.Path {
	path := &export.Path{
		Retransmits:      uint64(p.Retransmits),
		OutOfOrder:       uint64(p.OutOfOrder),
		SegmentsSent:     uint64(p.SegmentsSent),
		SegmentsReceived: uint64(p.SegmentsReceived),
	}
	for _, d := range []struct {
		from time.Duration
		to   **time.Duration
	}{{p.RTT, &path.RTT}, {p.MinRTT, &path.MinRTT}} {
		if d.from != 0 {
			*d.to = &d.from
		}
	}
	return path
}
