package trace

import (
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/decoder"
)

// table takes a table that the kernel copied.
func (r *recovery) table(t *bpf.Table) {
	if t.Dir == bpf.Send {
		r.tables.Add(t)
		return
	}
	c := r.conns[t.Conn]
	if c == nil {
		return
	}
	if t.Consistent {
		r.received(c, t)
	}
	r.used(c, bpf.Recv)
}

// received takes a table of received blocks. From probes, the process had it when it began
// to decode the bytes it read last. From packets, it belongs to the frame at a place. The
// decoder may hold those bytes.
func (r *recovery) received(c *tracedConn, t *bpf.Table) {
	c.missing.vain = 0
	s := decoder.Snapshot{
		Entries:        fields(t.Entries),
		MaxSize:        t.MaxSize,
		Fragment:       t.Fragment,
		FragmentLength: t.FragmentLength,
	}
	switch {
	case c.wire == nil:
		s.From = c.decoderPlace(bpf.Recv, int64(t.End)-int64(t.Read))
		s.To = c.decoderPlace(bpf.Recv, int64(t.End))
		c.recover(t.Time, bpf.Recv, s)
		c.release()
	case c.carrier().known[bpf.Recv]: // else its sequence number is of no place yet, and the decoder holds nothing
		r.sampled(c, &sample{at: t.Time, table: &s, places: [2]streamPlace{
			bpf.Recv: c.streamPlace(bpf.Recv, uint32(t.End), int64(t.Read)),
		}})
	}
}

// block takes the frame that a table belongs to. A block may precede the open record of
// its connection, and then waits for that.
func (r *recovery) block(b *bpf.Block) {
	if c := r.conns[b.Conn]; c != nil {
		r.blockOf(c, b)
	} else {
		r.tables.Early(b)
	}
}

// opened hands a connection the blocks that precede its open record.
func (r *recovery) opened(c *tracedConn, ptr uint64) {
	for _, b := range r.tables.Opened(c.meta.PID, c.id, ptr) {
		if c.missing != nil {
			r.blockOf(c, &b)
		}
	}
}

func (r *recovery) blockOf(c *tracedConn, b *bpf.Block) {
	if t := r.tables.Take(b.ID); t != nil && t.Consistent {
		c.recover(b.Time, bpf.Send, decoder.Snapshot{
			Entries:        fields(t.Entries),
			MaxSize:        t.MaxSize,
			Fragment:       b.Fragment,
			FragmentLength: b.FragmentLength,
			StreamID:       b.Stream,
			Fields:         int(b.Fields),
			Size:           b.Size,
		})
	}
	r.used(c, bpf.Send)
}

// used asks for more tables once all that were asked for have come.
func (r *recovery) used(c *tracedConn, dir int) {
	if c.missing != nil && c.missing.asks.Used(dir) && !c.awaitsKeys() {
		c.askMissing(false)
	}
}

func fields(entries []bpf.TableEntry) []hpack.HeaderField {
	list := make([]hpack.HeaderField, len(entries))
	for i, e := range entries {
		list[i] = hpack.HeaderField{Name: e.Name, Value: e.Value}
	}
	return list
}
