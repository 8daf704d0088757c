package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// feed decodes a record. Records of the two directions may carry times of the same
// microsecond in the wrong order. Sequence numbers give the order, and no time goes
// back before an earlier one.
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
	if d.Stale || c.oneWay.reported && c.next[d.Dir^1].offset == 0 {
		// Before its next record, if one comes, which shows where.
		c.decoder.Missed(decoder.Direction(d.Dir ^ 1))
	}
	c.advance(at, d.Dir, d.Seq, d.Offset, d.Lost, d.LostBytes)
	next.seq++
	next.offset += uint64(len(d.Payload))
	c.decoder.Data(at, decoder.Direction(d.Dir), d.Payload)
	c.decoded()
	c.given()
}

// data decodes a record, or keeps it until the TLS handshake is over.
func (c *tracedConn) data(at ktime.Time, d *bpf.Data) {
	switch {
	case c.early.failed: // a Write that began before, on another thread
		c.next[d.Dir] = positionAfter(d)
		return
	case c.early.over:
	case c.wire != nil || c.event.Joined != export.JoinedStart || c.table.exchanges.off || d.Dir == bpf.Recv:
		c.releaseEarly(0)
	default:
		if c.early.add(at, d) > maxEarlyBytes {
			c.releaseEarly(0)
		}
		return
	}
	c.feed(at, d)
}

// decoded follows each call that may have decoded something. It replaces the decoder
// after an upgrade, and asks for a header table that a block made unknown.
func (c *tracedConn) decoded() {
	c.goOn()
	if c.astray {
		c.astray = false
		if c.missing == nil {
			c.table.wantTables(c)
		} else {
			c.askMissing(false)
		}
	}
}

// advance moves a direction to seq and offset. The bytes in between were lost, if records
// are missing. Without that the order of seq counts: two goroutines may write at a time.
func (c *tracedConn) advance(at ktime.Time, dir int, seq, offset uint64, why bpf.Reasons, lost uint64) {
	next := &c.next[dir]
	missing, bytes := seq-next.seq, int64(offset-next.offset)
	*next = position{seq, offset}
	if missing > 0 {
		c.lose(at, dir, bytes, missing, lost, why)
	}
}

// lose passes over n bytes of a direction that were lost with missing records, of which
// lost bytes are payload.
func (c *tracedConn) lose(at ktime.Time, dir int, n int64, missing, lost uint64, why bpf.Reasons) {
	c.decoder.Note(at, lossNote{at, missing, lost, why})
	c.decoder.Gap(at, decoder.Direction(dir), n)
	c.goOn()
	c.table.wantTables(c)
}

// settle brings both directions up to the totals of the kernel.
func (c *tracedConn) settle(at ktime.Time, t bpf.Totals) {
	c.release()
	if c.wire != nil {
		c.wire.settle(c, at, t)
		return
	}
	for dir, next := range c.next {
		if t.Seq[dir] >= next.seq && t.Offset[dir] >= next.offset {
			c.advance(at, dir, t.Seq[dir], t.Offset[dir], t.Lost[dir], t.LostBytes[dir])
		}
	}
}
