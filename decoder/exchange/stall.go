package exchange

import "h2trace/decoder"

// Stall is a time for which one side had no flow-control credit left and more
// to send (RFC 9113 §6.9).
type Stall struct {
	Stream uint32 // 0: the whole connection
	// Side is the direction that stood still: Recv when the observed process
	// had granted too little, Send when its peer had.
	Side decoder.Direction
	// Window is the largest credit that the sender was seen to have, in bytes.
	Window     int64
	Start, End int64
	// By is what ended it: the frame that granted more, or that came with the
	// new credit, or the end of the stream or connection.
	By string
}

// maxGrants is how many of the latest WINDOW_UPDATE frames are remembered of
// each window. A receiver grants a part of the window at a time, and at most a
// window is under way.
const maxGrants = 16

// window is one flow-control window, of a stream or a connection, in one
// direction.
type window struct {
	peak   int64 // the most credit there was
	since  int64 // when it was used up, 0 when it is not
	grants [maxGrants]grant
	next   int
}

// grant is one WINDOW_UPDATE.
type grant struct{ at, bytes int64 }

// spent takes a DATA frame, o being the exchange that it belongs to, if that
// is open. What comes ends a stall of its window.
func (t *Tracker) spent(f *decoder.Frame, o *open) {
	if f.Length == 0 {
		return
	}
	d := f.Dir
	conn, stream := f.Window.ConnSend, f.Window.StreamSend
	if d == decoder.Recv {
		conn, stream = f.Window.ConnRecv, f.Window.StreamRecv
	}
	t.endConnStall(d, f.Time, "DATA")
	if o != nil {
		t.endStreamStall(o, d, f.Time, "DATA")
	}
	over := f.Flags.Has(decoder.FlagEndStream)
	if t.conn[d].spent(f, conn, d, t.rtt.least) && (!over || t.unfinished(d, f.StreamID)) {
		t.conn[d].since = f.Time
	}
	if o != nil && o.stalls[d].spent(f, stream, d, t.rtt.least) && !over {
		o.stalls[d].since = f.Time
	}
}

// spent takes a DATA frame and reports whether its sender has used up what it
// then knew of the window. What this process grants takes half a round trip
// to the peer, and what the peer sends then another half: a peer that ends
// exactly where earlier grants ended, while later ones were under way, had no
// more.
func (w *window) spent(f *decoder.Frame, left decoder.Credit, d decoder.Direction, rtt int64) bool {
	if !left.Known {
		return false
	}
	w.peak = max(w.peak, left.Bytes+int64(f.Length))
	if left.Bytes <= 0 {
		return true
	}
	if d == decoder.Send {
		return false
	}
	var later int64 // granted by the latest frames
	for i := 1; i <= maxGrants; i++ {
		g := w.grants[(w.next-i+maxGrants)%maxGrants]
		if later += g.bytes; g.at == 0 || g.at <= f.Time-rtt || later > left.Bytes {
			return false
		}
		if later == left.Bytes {
			return true
		}
	}
	return false
}

// unfinished reports whether a stream other than id has more to send.
func (t *Tracker) unfinished(d decoder.Direction, id uint32) bool {
	for other, o := range t.streams {
		if other != id && !o.over[d] {
			return true
		}
	}
	return false
}

// granted takes a WINDOW_UPDATE: its sender gives credit to the other
// direction. The observed process has it now, the peer only when it arrives.
func (t *Tracker) granted(f *decoder.Frame) {
	d := f.Dir ^ 1
	g := grant{f.Time, int64(f.Increment)}
	if f.StreamID == 0 {
		t.conn[d].grant(g)
		if d == decoder.Send && f.Window.ConnSend.Bytes > 0 {
			t.endConnStall(d, f.Time, "WINDOW_UPDATE")
		}
		return
	}
	o := t.streams[f.StreamID]
	if o == nil {
		return
	}
	o.stalls[d].grant(g)
	if d == decoder.Send && f.Window.StreamSend.Bytes > 0 {
		t.endStreamStall(o, d, f.Time, "WINDOW_UPDATE")
	}
}

func (w *window) grant(g grant) {
	w.grants[w.next] = g
	w.next = (w.next + 1) % maxGrants
}

// endConnStall ends the stall of the connection's window, which stood for all
// its streams that had more to send.
func (t *Tracker) endConnStall(d decoder.Direction, at int64, by string) {
	w := &t.conn[d]
	if w.since == 0 {
		return
	}
	for _, o := range t.streams {
		if !o.over[d] {
			o.count(d, w.since, at)
		}
	}
	t.endStall(w, 0, d, at, by)
}

func (t *Tracker) endStreamStall(o *open, d decoder.Direction, at int64, by string) {
	if w := &o.stalls[d]; w.since != 0 {
		o.count(d, w.since, at)
		t.endStall(w, o.Stream, d, at, by)
	}
}

// endStalls ends the stalls of an exchange that ends.
func (t *Tracker) endStalls(o *open, at int64, by string) {
	for d := range o.stalls {
		t.endStreamStall(o, decoder.Direction(d), at, by)
		if since := t.conn[d].since; since != 0 && !o.over[d] {
			o.count(decoder.Direction(d), since, at)
		}
	}
}

// endStall reports the end of a stall. After a loss, what ends it may be found
// with an earlier time than what began it.
func (t *Tracker) endStall(w *window, stream uint32, d decoder.Direction, at int64, by string) {
	t.sink.Stall(&Stall{Stream: stream, Side: d, Window: w.peak, Start: w.since, End: max(at, w.since), By: by})
	w.since = 0
}

// count adds a stall to an exchange, but for what another window's covers.
func (o *open) count(d decoder.Direction, from, to int64) {
	from = max(from, o.Start, o.stalled[d])
	if to <= from {
		return
	}
	o.stalled[d] = to
	if d == decoder.Recv {
		o.RecvStall += to - from
	} else {
		o.SendStall += to - from
	}
}
