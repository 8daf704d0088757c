package exchange

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Stall is a period in which one side had more to send, and no flow-control credit (RFC
// 9113 §6.9).
type Stall struct {
	Stream uint32 // 0: the whole connection
	// Side is the stalled direction: Recv if the observed process granted too little,
	// Send if its peer did.
	Side decoder.Direction
	// Window is the largest observed credit of the sender, in bytes.
	Window     int64
	Start, End ktime.Time
	// By says what ended the stall: the frame that granted more, or that used the new
	// credit, or the end of the stream or connection.
	By string
}

// maxGrants is the number of remembered WINDOW_UPDATE frames of each window. A receiver
// grants a part of the window at a time, and at most a window is in flight.
const maxGrants = 16

// window is one flow-control window, of a stream or a connection, in one
// direction.
type window struct {
	peak  int64      // the largest credit
	since ktime.Time // when it was used up, 0 if it is not
	// stood is, for a stream, how long the connection had been stalled by then; for the
	// connection, how long it was stalled, without the current stall.
	stood  time.Duration
	grants *grants // by the observed process
}

// grants are the latest WINDOW_UPDATE frames of a window.
type grants struct {
	ring [maxGrants]grant
	next int
}

// grant is one WINDOW_UPDATE.
type grant struct {
	at    ktime.Time
	bytes int64
}

// flow is the flow control of a stream.
type flow [2]window

// flowing returns the flow control of an exchange.
func (t *Tracker) flowing(o *open) *flow {
	if o.flow == nil {
		o.flow = new(flow)
		t.charge(o)
	}
	return o.flow
}

// spent takes a DATA frame. o is its exchange, if that is open. The frame ends a stall of
// its window.
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
	if t.conn[d].spent(f, conn, d, t.rtt.least) && (!over || t.unfinished(d, o)) {
		t.conn[d].since = f.Time
	}
	if o == nil || !stream.Known {
		return
	}
	w := &t.flowing(o)[d]
	if w.spent(f, stream, d, t.rtt.least) && !over {
		w.since, w.stood = f.Time, t.stood(d, f.Time)
	}
}

// spent takes a DATA frame and reports whether its sender has used up the credit that it
// knew. A grant of this process takes half a round trip to the peer, and its DATA the other
// half. So a peer that stops exactly at the end of earlier grants, while later ones were in
// flight, had no credit.
func (w *window) spent(f *decoder.Frame, left decoder.Credit, d decoder.Direction, rtt time.Duration) bool {
	if !left.Known {
		return false
	}
	w.peak = max(w.peak, left.Bytes+int64(f.Length))
	if left.Bytes <= 0 {
		return true
	}
	if d == decoder.Send || w.grants == nil {
		return false
	}
	var later int64 // granted by the latest frames
	for i := 1; i <= maxGrants; i++ {
		g := w.grants.ring[(w.grants.next-i+maxGrants)%maxGrants]
		if later += g.bytes; g.at == 0 || g.at <= f.Time.Add(-rtt) || later > left.Bytes {
			return false
		}
		if later == left.Bytes {
			return true
		}
	}
	return false
}

// unfinished reports whether a stream other than o has more to send.
func (t *Tracker) unfinished(d decoder.Direction, o *open) bool {
	others := t.unended[d]
	if o != nil && !o.over[d] {
		others--
	}
	return others > 0
}

// granted takes a WINDOW_UPDATE, which gives credit to the other direction. The observed
// process has the credit at once, the peer only when the frame arrives.
func (t *Tracker) granted(f *decoder.Frame) {
	d := f.Dir ^ 1
	g := grant{f.Time, int64(f.Increment)}
	if f.StreamID == 0 {
		t.conn[d].grant(d, g)
		if d == decoder.Send && f.Window.ConnSend.Bytes > 0 {
			t.endConnStall(d, f.Time, "WINDOW_UPDATE")
		}
		return
	}
	o := t.heard(f.StreamID)
	if o == nil {
		return
	}
	if d == decoder.Recv {
		t.flowing(o)[d].grant(d, g)
	} else if f.Window.StreamSend.Bytes > 0 {
		t.endStreamStall(o, d, f.Time, "WINDOW_UPDATE")
	}
}

// grant remembers a grant of the observed process. Grants of the peer are known when they
// arrive.
func (w *window) grant(d decoder.Direction, g grant) {
	if d == decoder.Send {
		return
	}
	if w.grants == nil {
		w.grants = new(grants)
	}
	w.grants.ring[w.grants.next] = g
	w.grants.next = (w.grants.next + 1) % maxGrants
}

// stood returns how long the window of the connection has been used up in total by then. It
// stalls all streams that have more to send.
func (t *Tracker) stood(d decoder.Direction, at ktime.Time) time.Duration {
	w := &t.conn[d]
	if w.since == 0 {
		return w.stood
	}
	return w.stood + max(at.Sub(w.since), 0)
}

func (t *Tracker) endConnStall(d decoder.Direction, at ktime.Time, by string) {
	if w := &t.conn[d]; w.since != 0 {
		w.stood = t.stood(d, at)
		t.endStall(w, 0, d, at, by)
	}
}

// endStreamStall adds to the exchange the stall that the connection's window does not
// cover.
func (t *Tracker) endStreamStall(o *open, d decoder.Direction, at ktime.Time, by string) {
	if o.flow == nil || o.flow[d].since == 0 {
		return
	}
	w := &o.flow[d]
	o.stall(d, at.Sub(w.since)-max(t.stood(d, at)-w.stood, 0))
	t.endStall(w, o.Stream, d, at, by)
}

// endStalls ends the stalls of an exchange that ends.
func (t *Tracker) endStalls(o *open, at ktime.Time, by string) {
	for d := range decoder.Direction(len(o.over)) {
		t.endStreamStall(o, d, at, by)
		if !o.over[d] {
			o.stall(d, t.stood(d, at)-o.before[d])
		}
	}
}

// endStall reports the end of a stall. After a loss, its end may have an earlier time than
// its beginning.
func (t *Tracker) endStall(w *window, stream uint32, d decoder.Direction, at ktime.Time, by string) {
	t.sink.Stall(&Stall{Stream: stream, Side: d, Window: w.peak, Start: w.since, End: max(at, w.since), By: by})
	w.since = 0
}

// stall adds to the stalled time of an exchange.
func (o *open) stall(d decoder.Direction, took time.Duration) {
	if took = max(took, 0); d == decoder.Recv {
		o.RecvStall += took
	} else {
		o.SendStall += took
	}
}
