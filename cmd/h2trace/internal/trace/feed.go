package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// position is a place in the records and bytes of one direction.
type position struct{ seq, offset uint64 }

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
	c.goOn()
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
		c.goOn()
		return
	}
	c.decoder.Note(at, lossNote{at, missing, lost, why})
	c.decoder.Gap(at, decoder.Direction(dir), n)
	c.goOn()
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
