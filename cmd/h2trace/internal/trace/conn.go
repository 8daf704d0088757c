package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// tracedConn is one connection between the kernel's records and the printed
// events. It is the decoder.Sink of its decoder.
type tracedConn struct {
	table   *connTable
	id      uint64     // the kernel's; the printed one is meta.Conn
	since   ktime.Time // of the first record
	meta    export.Meta
	event   export.Conn // what each conn event of it says
	decoder *decoder.Conn
	tracker *exchange.Tracker

	// cleartext is set on a connection without TLS.
	cleartext *cleartextConn

	next      [2]position // by direction: what the next record should hold
	announced bool        // the open event is printed
	spoke     bool        // see understood
	closed    *connEnd
	mixed     *exchange.Error // client and server do not speak the same
	latest    ktime.Time      // the highest so far
	// missing is set while something is, and is asked for.
	missing *missingState
	early   early
	// inStep says by direction that the header table was known after the last
	// block, and astray that one made it unknown, until it is asked for.
	inStep [2]bool
	astray bool
	// exe is what its process runs, nil until that is known.
	exe    *bpf.Executable
	silent [2]bool // by direction: known to be silent while the other is not
	// until are offsets, by direction, before which the kernel leaves out what
	// is inside of TLS.
	until [2]uint64
	// source is where its process fetches from, nil where that is not known.
	source *fetchenv.Source
	// tunnel is set when an HTTP proxy let a CONNECT through.
	tunnel bool
	// beside is another on the same socket, until it is known which of the two
	// is inside of the other.
	beside *tracedConn
	// hello is for a ClientHello that the connection without TLS began with,
	// and inner for one in its tunnel.
	hello, inner clienthello.Reader
	// verify is nil unless headers are to be verified.
	verify *verify.Conn
	queued queued
	// waits are its places among the waiters.
	waits []uint64
}

// A method that does not fit would make an optional sink none, without a word.
var _ interface {
	decoder.ByteSink
	decoder.LossSink
	decoder.MixedSink
	decoder.NoteSink
	exchange.TunnelSink
	exchange.UpgradeSink
} = (*tracedConn)(nil)

// position is a place in the records and bytes of one direction.
type position struct{ seq, offset uint64 }

// connEnd is how a connection ended: by a close that the kernel reported, or
// with its process.
type connEnd struct {
	at     ktime.Time
	totals bpf.Totals
	told   *bpf.Close     // nil where it ended with its process
	state  *bpf.ConnState // of one that did: what the kernel held, if anything
}

// feed decodes a record. Two directions may take their times within the same
// microsecond and their places in the buffer the other way round; the places
// tell the order, and no time goes back before an earlier one.
func (c *tracedConn) feed(at ktime.Time, d *bpf.Data) {
	if d.Dir == bpf.Recv {
		c.expectTable(at)
	}
	at = max(at, c.latest)
	c.latest = at
	next := &c.next[d.Dir]
	if d.Seq < next.seq {
		return // overtaken by a later write of another goroutine
	}
	if d.Stale {
		c.missed(d.Dir ^ 1)
	}
	c.advance(at, d.Dir, d.Seq, d.Offset, d.Lost, d.LostBytes)
	next.seq++
	next.offset += uint64(len(d.Payload))
	c.decoder.Data(at, decoder.Direction(d.Dir), d.Payload)
	c.decoded()
	c.given()
	c.leaveOut(d.Dir)
}

// data takes a record.
func (c *tracedConn) data(at ktime.Time, d *bpf.Data) {
	if !c.holdEarly(at, d) {
		c.feed(at, d)
	}
}

// decoded is called when the decoder may have decoded more. The header table is asked
// for if a block made that unknown.
func (c *tracedConn) decoded() {
	if c.astray {
		c.astray = false
		if c.missing == nil {
			c.table.wantTables(c)
		}
	}
}

// leaveOut has the kernel leave out what is to come of a body of HTTP/1.x, and of
// what is of no use.
func (c *tracedConn) leaveOut(dir int) {
	if c.cleartext != nil {
		c.steer(dir)
		return
	}
	next := c.decodedUpTo(decoder.Direction(dir))
	left := c.bodyLeft(decoder.Direction(dir))
	if left < worthLeavingOut || c.until[dir] > next {
		return
	}
	c.until[dir] = next + uint64(left)
	c.askPayload()
}

// advance moves a direction on to seq and offset. What lies in between was
// lost if records are missing, and announced; else it was left out on purpose.
func (c *tracedConn) advance(at ktime.Time, dir int, seq, offset uint64, why bpf.Reasons, lost uint64) {
	next := &c.next[dir]
	missing, bytes := seq-next.seq, int64(offset-next.offset)
	*next = position{seq, offset}
	c.pass(at, dir, bytes, missing, lost, why)
}

// pass passes over n bytes of a direction. They were left out on purpose unless
// records are missing, of which lost bytes are the payload.
func (c *tracedConn) pass(at ktime.Time, dir int, n int64, missing, lost uint64, why bpf.Reasons) {
	if missing == 0 {
		c.decoder.Skip(at, decoder.Direction(dir), n)
		return
	}
	c.decoder.Note(at, lossNote{at, missing, lost, why})
	c.decoder.Gap(at, decoder.Direction(dir), n)
	c.table.wantTables(c)
}

// lossNote is a loss that is to be told when what came before is decoded.
type lossNote struct {
	at             ktime.Time
	records, bytes uint64
	why            bpf.Reasons
}

// Noted implements decoder.NoteSink.
func (c *tracedConn) Noted(note any) {
	switch n := note.(type) {
	case lossNote:
		c.announceLoss(n.at, n.records, n.bytes, n.why)
	case overrunNote:
		c.announceOverrun(n)
	}
}

// missed takes notice that bytes of a direction were lost before its next record,
// which will show where.
func (c *tracedConn) missed(dir int) {
	c.decoder.Missed(decoder.Direction(dir))
}

// announceLoss tells of records that are missing.
func (c *tracedConn) announceLoss(at ktime.Time, records, bytes uint64, why bpf.Reasons) {
	c.announce()
	c.table.losses.gap(at, c.meta.Conn, records, bytes, why)
}

// settle brings both directions up to what the kernel counted.
func (c *tracedConn) settle(at ktime.Time, t bpf.Totals) {
	c.release()
	if c.cleartext != nil {
		c.cleartext.settle(c, at, t)
		return
	}
	for dir, next := range c.next {
		if t.Seq[dir] >= next.seq && t.Offset[dir] >= next.offset {
			c.advance(at, dir, t.Seq[dir], t.Offset[dir], t.Lost[dir], t.LostBytes[dir])
		}
	}
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
	end, by, over, ended := c.closed, exchange.NotEnded, c.since, max(c.latest, t.until)
	switch {
	case end != nil:
		by, over, ended = end.by(), end.at, end.at
		c.settle(end.at, end.totals)
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

// at returns the head of an event at t.
func (c *tracedConn) at(t ktime.Time) export.Meta {
	m := c.meta
	m.Time = t
	return m
}

// isNothing reports whether a connection is one without TLS that does not speak
// HTTP, of which nothing was printed.
func (c *tracedConn) isNothing() bool {
	return c.cleartext != nil && !c.announced && c.event.Protocol == ""
}

// announce prints the open event, once.
func (c *tracedConn) announce() {
	if c.announced {
		return
	}
	c.announced = true
	if c.cleartext == nil {
		c.understood()
	}
	c.table.events.Conn(c.at(c.since), &c.event, export.ConnOpen{})
}

// understood notes that what its process says is seen: TLS, or HTTP without it. That
// frames were searched for is not enough.
func (c *tracedConn) understood() {
	if !c.spoke {
		c.spoke = true
		c.table.spoke[c.meta.PID] = true
	}
}

// isOf notes which side the process is on, where that was not known.
func (c *tracedConn) isOf(role decoder.Role) {
	if c.event.Role != decoder.RoleUnknown || role == decoder.RoleUnknown {
		return
	}
	c.event.Role = role
	c.tracker.SetClient(clientOf(role))
	c.decoder.SetRole(role)
}

// Protocol implements decoder.Sink.
func (c *tracedConn) Protocol(_ ktime.Time, p decoder.Protocol, fromStart bool) {
	switch p {
	case decoder.HTTP2:
		c.event.Protocol = export.ProtocolH2
		if c.cleartext != nil {
			c.event.Protocol = export.ProtocolH2C
		}
	case decoder.HTTP1:
		c.event.Protocol = export.ProtocolHTTP11
		c.understood()
	}
	if fromStart {
		c.event.Joined = export.JoinedStart
	}
	c.isOf(c.decoder.Role())
	if c.isNothing() {
		return
	}
	c.announce()
}

// Frame implements decoder.Sink.
func (c *tracedConn) Frame(f *decoder.Frame) {
	c.table.frames++
	if f.BlockEnd {
		known := c.decoder.TableKnown(f.Dir)
		c.astray = c.astray || c.inStep[f.Dir] && !known
		c.inStep[f.Dir] = known
	}
	c.understood()
	c.table.events.Frame(c.at(f.Time), f)
	c.tracker.Frame(f)
	if c.cleartext != nil {
		c.cleartext.noteFrame(f)
	}
	if c.verify != nil && f.BlockEnd {
		c.verifyBlock(f)
	}
}

// Resync implements decoder.Sink.
func (c *tracedConn) Resync(at ktime.Time, dir decoder.Direction, skipped int64) {
	c.table.events.Conn(c.at(at), &c.event, export.ConnResync{Dir: dir, Skipped: skipped})
	c.tracker.Lost(dir)
}

// Lost implements decoder.LossSink.
func (c *tracedConn) Lost(dir decoder.Direction) { c.tracker.Lost(dir) }
