package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
	// maxSegmentBytes bounds the out-of-order bytes of all connections.
	maxSegmentBytes = 32 << 20
	// maxUndecided is how many bytes of a connection are searched for HTTP.
	maxUndecided = 256 << 10
	// worthLeavingOut is the least rest of a body that the kernel is asked to leave
	// out. A shorter rest arrives before the kernel hears of it.
	worthLeavingOut = 64 << 10
)

// wireConn is the additional state of a connection that arrives as segments: one without
// TLS, or whose TLS is opened here.
type wireConn struct {
	tcp   *tcp.Conn
	sinks [2]wireSink // of both directions
	first [2]uint32   // sequence numbers of offset 0
	known [2]bool     // they are
	lost  [2]wireLoss
	at    [2]uint64 // offsets up to which they are handed on
	tls   *tlsConn  // nil without TLS
	waits bool      // it is in connTable.answers
	// peerEnded says that the peer ended its direction before the last byte sent.
	peerEnded bool
}

func newWireConn(c *tracedConn, segments *tcp.Budget, t *tlsConn) *wireConn {
	p := &wireConn{sinks: [2]wireSink{{c, bpf.Send}, {c, bpf.Recv}}, tls: t}
	p.tcp = tcp.NewConn(segments, [2]tcp.Sink{&p.sinks[bpf.Send], &p.sinks[bpf.Recv]})
	return p
}

// keepPlaces says whether the places of samples will be asked for.
func (p *wireConn) keepPlaces(keep bool) {
	if p.tls != nil {
		p.tls.KeepPlaces(keep)
	}
}

// begun reports whether the start of both directions is known.
func (p *wireConn) begun() bool { return p.known[bpf.Send] && p.known[bpf.Recv] }

// place returns the offset of a sequence number in a direction. near is an offset
// within 2 GiB of it.
func (p *wireConn) place(dir int, seq uint32, near uint64) int64 {
	return tcp.Offset(seq, p.first[dir], near)
}

// wireLoss counts what the kernel has lost of a direction.
type wireLoss struct {
	records uint32
	bytes   uint64
}

// since takes the totals of a record, and returns what is new in them. A record may be
// older than the one before.
func (l *wireLoss) since(records uint32, bytes uint64) (newRecords, newBytes uint64) {
	if int32(records-l.records) <= 0 {
		return 0, 0
	}
	newRecords = uint64(records - l.records)
	if bytes > l.bytes {
		newBytes = bytes - l.bytes
	}
	l.records, l.bytes = records, max(bytes, l.bytes)
	return newRecords, newBytes
}

// segment decodes a segment.
func (t *connTable) segment(d *bpf.Segment) {
	t.captured += uint64(len(d.Payload))
	c := t.get(&d.Head, d.Wire)
	if c.wire == nil {
		return
	}
	next := &c.next[d.Dir]
	records, bytes := c.wire.lost[d.Dir].since(d.LostRecords, d.LostBytes)
	lost := records > 0
	if lost {
		c.announceLoss(d.Time, records, bytes, d.Lost)
		c.missed(decoder.Direction(d.Dir)) // the place may show later
	}
	next.seq = max(next.seq, d.Seq+1)
	if c.want.Nothing {
		return
	}
	c.wire.first[d.Dir], c.wire.known[d.Dir] = d.First, true
	c.wire.peerEnded = c.wire.peerEnded || d.PeerEnded
	if d.Stale {
		c.missed(decoder.Direction(d.Dir ^ 1)) // before its next record, which shows where
	}
	c.wire.tcp.Segment(&tcp.Segment{
		At: d.Time, Dir: d.Dir, Offset: d.Offset, Payload: d.Payload, LeftOut: d.LeftOut, Lost: lost, Acked: d.Acked,
	})
	c.leaveOut(d.Dir)
	t.answers.enter(c)
}

// missed says that bytes of a direction are missing, which those inside lack, too. The
// place may show later.
func (c *tracedConn) missed(dir decoder.Direction) {
	for ; c != nil; c = c.inner {
		c.decoder.Missed(dir)
	}
}

// wireSink is the tcp.Sink of one direction.
type wireSink struct {
	conn *tracedConn
	dir  int
}

// Data implements tcp.Sink.
func (s *wireSink) Data(at ktime.Time, b []byte) {
	c := s.conn
	c.wire.at[s.dir] += uint64(len(b))
	if c.isTLSElsewhere() {
		c.table.hellos.read(&c.hello, &c.connInfo, c.decoder.Role(), decoder.Direction(s.dir), b)
		c.leaveAfterHello()
		return
	}
	if c.wire.tls != nil {
		c.wire.tls.encrypted(at, decoder.Direction(s.dir), b)
		return
	}
	s.comes(at)
	c.next[s.dir].offset += uint64(len(b))
	if !c.decoder.Decided() || c.decoder.Protocol() == decoder.ProtocolUnknown {
		c.table.hellos.read(&c.hello, &c.connInfo, c.decoder.Role(), decoder.Direction(s.dir), b) // the kernel cannot tell when it was overtaken
	}
	c.decoder.Data(c.latest, decoder.Direction(s.dir), b)
	c.decoded()
	c.given()
}

// leaveAfterHello has the kernel copy no more of a connection that calls report, once its
// ClientHello is known, or will not be.
func (c *tracedConn) leaveAfterHello() {
	if c.hello.Over() && !c.want.Nothing {
		c.wantNothing()
	}
}

// comes is called before the decoder gets the next bytes.
func (s *wireSink) comes(at ktime.Time) {
	c := s.conn
	c.latest = max(at, c.latest)
	if s.dir == bpf.Recv {
		c.expectTable(at)
	}
}

// Missing implements tcp.Sink.
func (s *wireSink) Missing(at ktime.Time, n uint64, why tcp.Cause) {
	c := s.conn
	c.wire.at[s.dir] += n
	if c.isTLSElsewhere() {
		c.hello.Stop()
		c.leaveAfterHello()
		return
	}
	if c.wire.tls != nil {
		c.wire.tls.ciphertextMissing(at, decoder.Direction(s.dir), n, why)
		return
	}
	s.comes(at)
	c.next[s.dir].offset += n
	c.hello.Stop()
	switch why {
	case tcp.LeftOut:
		c.decoder.Skip(c.latest, decoder.Direction(s.dir), int64(n))
		c.goOn()
		return
	case tcp.Overrun: // no record is missing, but they are of no use
		c.decoder.Note(c.latest, overrunNote{at, n})
	}
	c.decoder.Gap(c.latest, decoder.Direction(s.dir), int64(n))
	c.goOn()
	c.table.wantTables(c)
}

// settle decodes the segments that wait, and brings both directions up to the totals of
// the kernel. Bytes that were not wanted are skipped.
func (p *wireConn) settle(c *tracedConn, at ktime.Time, t bpf.Totals) {
	p.flush(at)
	for dir := range c.next {
		records, bytes := p.lost[dir].since(t.LostRecords[dir], t.LostBytes[dir])
		behind := int64(t.Offset[dir] - p.at[dir])
		if behind < 0 {
			continue
		}
		p.at[dir] = t.Offset[dir]
		if c.want.Nothing {
			behind = 0
		}
		if p.tls != nil {
			c.wire.tls.ciphertextLost(at, decoder.Direction(dir), behind, lossNote{at, records, bytes, t.Lost[dir]})
			continue
		}
		c.next[dir].offset = t.Offset[dir]
		if records > 0 {
			c.lose(at, dir, behind, records, bytes, t.Lost[dir])
			continue
		}
		c.decoder.Skip(at, decoder.Direction(dir), behind)
		c.goOn()
	}
}

// flush decodes the segments that wait, as no more come.
func (p *wireConn) flush(at ktime.Time) { p.tcp.Flush(at) }

// leaveOut asks the kernel to leave out the rest of an HTTP/1.x body, and everything on
// a connection that does not speak HTTP. The kernel knows no offsets inside TLS.
func (c *tracedConn) leaveOut(dir int) {
	if c.wire == nil || c.wire.tls != nil {
		return
	}
	next, left := c.decodedUpTo(decoder.Direction(dir)), int64(0)
	if c.decoder.Protocol() == decoder.HTTP1 {
		left = c.exchanges.tracker.BodyLeft(decoder.Direction(dir))
	}
	switch {
	case c.isNoHTTP():
		c.want.Nothing = true
		c.table.recovery.leave(c)
	case left >= worthLeavingOut && c.want.Until[dir] <= next:
		c.want.Until[dir] = next + uint64(left)
		c.wire.tcp.LeaveOut(dir, c.want.Until[dir])
	default:
		return
	}
	c.askPayload()
}

// isNoHTTP reports whether the rest of a connection is of no use.
func (c *tracedConn) isNoHTTP() bool {
	if c.decoder.Decided() {
		switch c.decoder.Protocol() {
		case decoder.ProtocolUnknown:
			return c.hello.Over()
		case decoder.HTTP1:
			if c.inner != nil {
				return !c.inner.wire.tls.isTLS()
			}
			return c.exchanges.isTunnelOfOther()
		}
		return false
	}
	return c.decodedUpTo(decoder.Send)+c.decodedUpTo(decoder.Recv) > maxUndecided
}

// dismiss drops a connection without TLS that does not speak HTTP. Nothing is printed
// of it.
func (c *tracedConn) dismiss() {
	c.table.dismissed++
	c.wire.tcp.Drop()
	c.exchanges.tracker.Close(c.latest, exchange.NotEnded)
}
