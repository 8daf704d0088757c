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

// received takes the table that the process had when it began to decode what it had
// read last, with TLS, or the frame that begins at a sequence number, without. What
// the decoder holds may be that.
func (r *recovery) received(c *tracedConn, t *bpf.Table) {
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
		s.From = c.decoderPlace(bpf.Recv, c.cleartext.place(bpf.Recv, uint32(t.End), c.next[bpf.Recv].offset))
	default:
		return // its sequence number is of no place yet, and the decoder holds nothing
	}
	c.recover(t.Time, bpf.Recv, s)
	c.release()
}

// block takes the frame that a table is for. It may be the first that its
// connection is heard of; then it waits for that to open.
func (r *recovery) block(b *bpf.Block) {
	switch c := r.conns[b.Conn]; {
	case b.Conn == 0:
		r.tables.Early(b)
	case c == nil:
		r.tables.Take(b.ID)
	default:
		r.blockOf(c, b)
	}
}

// opened gives a connection the blocks that were reported before it opened.
func (r *recovery) opened(c *tracedConn, ptr uint64) {
	for _, b := range r.tables.Opened(c.meta.PID, ptr) {
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

// used asks for more tables when those asked for are used up.
func (r *recovery) used(c *tracedConn, dir int) {
	if c.missing != nil && c.missing.asks.Used(dir) {
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
