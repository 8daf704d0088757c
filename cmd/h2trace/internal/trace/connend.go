package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// connEnd is how a connection ended.
type connEnd interface {
	// time is when the connection ended, or when that was noticed.
	time() ktime.Time
	// totals is what the kernel counted until then.
	totals() bpf.Totals
	by() exchange.Ended
	// entry is what the kernel holds of the connection.
	entry(conn uint64) bpf.Entry
}

// reportedClose is the end of a connection whose close the kernel reported.
type reportedClose struct {
	bpf.Close
	exited bool // its process did so, or executed another program, before
}

func (c *reportedClose) time() ktime.Time       { return c.Time }
func (c *reportedClose) totals() bpf.Totals     { return c.Totals }
func (c *reportedClose) entry(uint64) bpf.Entry { return c.Entry() }

// by returns who ended the connection, as its socket shows.
func (c *reportedClose) by() exchange.Ended {
	switch {
	case c.Path.Captured:
		return endedBy[c.Ended]
	case c.Path.EndedByPeer():
		return exchange.EndedByPeer
	case !c.Socket:
		return exchange.EndedUnknown
	case c.Path.Err() != 0:
		return exchange.EndedByNetwork
	}
	return exchange.EndedByProcess
}

// endedBy translates who ended a connection of a capture.
var endedBy = map[bpf.Ender]exchange.Ended{
	bpf.EndedUnknown: exchange.EndedUnknown, bpf.EndedByPeer: exchange.EndedByPeer, bpf.EndedByProcess: exchange.EndedByProcess,
}

// unreportedEnd is an end without a close record: the process ended, or the record was
// lost.
type unreportedEnd struct {
	at    ktime.Time
	state *bpf.ConnState // what the kernel holds of the connection, nil for nothing
}

func (e *unreportedEnd) time() ktime.Time   { return e.at }
func (e *unreportedEnd) by() exchange.Ended { return exchange.EndedByProcess }

func (e *unreportedEnd) totals() bpf.Totals {
	if e.state == nil {
		return bpf.Totals{}
	}
	return e.state.Totals
}

func (e *unreportedEnd) entry(conn uint64) bpf.Entry {
	if e.state == nil {
		return bpf.Entry{ID: conn}
	}
	return e.state.Entry()
}

// closeReported reports whether the kernel reported the close.
func closeReported(e connEnd) bool {
	_, ok := e.(*reportedClose)
	return ok
}

// endedBy returns who ended the connection. An alert says so before the socket does (RFC
// 8446 §6.1): of the peer that then waits for the process to close it, or of the process
// that closes it when the peer has done so, too.
func (c *tracedConn) endedBy() exchange.Ended {
	by := c.end.by()
	if c.wire == nil || c.wire.tls == nil {
		return by
	}
	switch t := c.wire.tls; {
	case by == exchange.EndedByProcess && t.peerEnded:
		return exchange.EndedByPeer
	case by == exchange.EndedByPeer && t.ownEnd && !t.peerEnded:
		return exchange.EndedByProcess
	}
	return by
}

// finish completes the decoding, prints the close event if the connection ended, and
// frees it. A second call does nothing.
func (c *tracedConn) finish() {
	if c.finished() {
		return
	}
	t := c.table
	delete(t.byID, c.id)
	delete(t.ciphers.awaited.conns, c)
	t.closing.waiters.finished(c)
	t.sockets.leave(c)
	t.hellos.closed(&c.connInfo)
	c.release()
	t.recovery.leave(c)
	known := t.audit.endKnown(t, c)
	// A process may write to a connection that the peer has ended already.
	by, over, ended := exchange.NotEnded, max(c.latest, c.since), max(c.latest, t.until)
	switch {
	case c.end != nil:
		over = max(over, c.end.time())
		by, ended = c.endedBy(), over
		if c.outer == nil {
			c.settle(over, c.end.totals())
		}
	case c.wire != nil:
		c.wire.flush(c.latest)
	}
	if c.wire != nil && c.wire.tls != nil {
		c.wire.tls.end(over)
		c.wire.tls.handshakeEnded(over)
		known = known && c.wire.tls.counted()
	}
	if !known {
		c.doubt()
	}
	t.recovery.leave(c) // a last loss made tables unknown
	c.decoder.Close(over)
	c.goOn()
	if c.inner != nil {
		if c.inner.end == nil { // the last bytes of this one began it
			c.inner.end = c.end
		}
		c.inner.finish()
	}
	if c.isNothing() {
		c.dismiss()
	} else {
		c.announce()
		if c.wire != nil && c.wire.tls != nil && c.wire.tls.unopened.any() {
			t.ciphers.sealed++
		}
		c.exchanges.tracker.Close(ended, by)
		if c.verify != nil {
			c.verify.Close()
		}
		if c.end != nil {
			c.printClose(c.end, known, c.path())
		}
	}
	if c.outer == nil {
		t.requests.ended = append(t.requests.ended, c.entry())
	}
}

// entry returns what the kernel holds of the connection.
func (c *tracedConn) entry() bpf.Entry {
	if c.end == nil {
		return bpf.Entry{ID: c.id}
	}
	return c.end.entry(c.id)
}

func (c *tracedConn) finished() bool { return c.table.byID[c.id] != c }

// holes returns how often a received segment was the first to show that one before it is
// missing, nil if not all segments were seen.
func (c *tracedConn) holes() *uint64 {
	for c.outer != nil {
		c = c.outer
	}
	if c.wire == nil || c.event.Joined != export.JoinedStart || c.want.Nothing || c.wire.lost[bpf.Recv].records > 0 {
		return nil
	}
	holes, ok := c.wire.tcp.Holes(bpf.Recv)
	if !ok {
		return nil
	}
	return &holes
}

// path returns what TCP knew of the path at the close, or else at the end of the process; nil
// is unknown.
func (c *tracedConn) path() *export.Path {
	left := c.leftPath
	if reported, ok := c.end.(*reportedClose); ok && reported.Socket {
		left = &reported.Path
	}
	if left == nil {
		return nil
	}
	path := pathOf(left)
	path.Holes = c.holes()
	return path
}

// pathOf converts the TCP state of a path for printing.
func pathOf(p *bpf.Path) *export.Path {
	path := &export.Path{
		Retransmits:      uint64(p.Retransmits),
		OutOfOrder:       uint64(p.OutOfOrder),
		SegmentsSent:     uint64(p.SegmentsSent),
		SegmentsReceived: uint64(p.SegmentsReceived),
	}
	if !p.Captured {
		path.Unread, path.Unsent = new(uint64(p.Unread)), new(uint64(p.Unsent))
	}
	if p.MSS != 0 {
		path.MSS = new(uint64(p.MSS))
	}
	if p.TTL != 0 {
		path.TTL = new(uint64(p.TTL))
	}
	for _, d := range []struct {
		from time.Duration
		to   **time.Duration
	}{{p.RTT, &path.RTT}, {p.MinRTT, &path.MinRTT}, {p.RcvRTT, &path.RcvRTT}} {
		if d.from != 0 {
			*d.to = &d.from
		}
	}
	return path
}
