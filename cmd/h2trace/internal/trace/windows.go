package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
)

// sampleInterval is the least time between two samples of the windows of a connection.
const sampleInterval = time.Millisecond

// askWindows asks the kernel for samples of the windows of c.
func (r *recovery) askWindows(c *tracedConn) error {
	w := &c.missing.windows
	if w.Forgone() {
		return nil
	}
	if !w.Ask() {
		return r.forgoWindows(c)
	}
	room, err := r.kernel.Wish(c.probedID(), bpf.Wish{Windows: &bpf.WindowWish{
		Samples: recover.SamplesAsked, Interval: sampleInterval, Streams: w.Streams,
	}})
	if err == nil && !room {
		err = r.forgoWindows(c)
	}
	return err
}

func (r *recovery) forgoWindows(c *tracedConn) error {
	c.missing.windows.Forgo()
	c.decoder.ForgoWindows()
	_, err := r.kernel.Wish(c.probedID(), bpf.Wish{Windows: &bpf.WindowWish{}})
	return err
}

// windows takes a sample of the windows of a connection.
func (r *recovery) windows(w *bpf.Windows) error {
	c := r.conns[w.Conn]
	if c == nil || c.missing.windows.Forgone() {
		return nil
	}
	m := &c.missing.windows
	m.Sample()
	if w.Trusted {
		c.isOf(roleOf(w.Role()))
	}
	switch {
	case c.wire != nil && !c.carrier().begun(): // its sequence numbers are of no place yet
		if m.UsedUp() {
			return r.askWindows(c)
		}
		return nil
	case w.Trusted:
		r.sampledWindows(c, w)
	case m.Mistrust():
		return r.forgoWindows(c)
	}
	if !c.decoder.Lists(m.Listing) {
		m.Outdate() // what was lost since may have opened others
	}
	if listing := c.decoder.Listing(); w.Trusted && m.WantsList() && c.decoder.Lists(listing) {
		streams, read := r.kernel.OpenStreams(w.PID, w)
		if m.List(streams, read, listing) {
			return r.askWindows(c)
		}
	}
	if m.UsedUp() && !c.missing.windowsSettled(c.decoder) && !c.awaitsKeys() {
		return r.askWindows(c)
	}
	return nil
}

// sampledWindows hands a sample to the decoder, or has it wait for its places.
func (r *recovery) sampledWindows(c *tracedConn, w *bpf.Windows) {
	s := windowSample(w, c.missing.windows.Listing)
	if c.wire != nil {
		r.sampled(c, &sample{at: w.Time, windows: &s, streams: w.Asked, places: [2]streamPlace{
			bpf.Send: c.streamPlace(bpf.Send, uint32(w.Offset[bpf.Send]), 0),
			bpf.Recv: c.streamPlace(bpf.Recv, uint32(w.Offset[bpf.Recv]), int64(w.Unread)),
		}})
		return
	}
	for dir := range s.At {
		s.At[dir] = c.decoderPlace(dir, s.At[dir])
	}
	c.decoder.Windows(s)
	c.missing.windows.Held(w.Asked)
}

// windowSample converts a sample for the decoder.
func windowSample(w *bpf.Windows, listing int64) decoder.WindowSample {
	s := decoder.WindowSample{
		Time: w.Time,
		At:   [2]int64{int64(w.Offset[bpf.Send]), int64(w.Offset[bpf.Recv])},
		Conn: [2]decoder.Credit{
			decoder.Send: {Bytes: w.State.Send, Known: true},
			decoder.Recv: {Bytes: w.State.Recv, Known: w.State.RecvExact},
		},
		Initial: [2]decoder.Credit{
			decoder.Send: {Bytes: int64(w.State.PeerInitial), Known: true},
			decoder.Recv: {Bytes: int64(w.State.OwnInitial), Known: w.State.OwnAcked},
		},
		PeerMaxFrame: w.State.MaxFrame,
		Listed:       listing,
	}
	for _, st := range w.Streams {
		s.Streams = append(s.Streams, decoder.StreamSample{
			ID: st.ID,
			Credit: [2]decoder.Credit{
				decoder.Send: {Bytes: st.Send, Known: true},
				decoder.Recv: {Bytes: st.Recv, Known: st.RecvExact},
			},
			Ended: [2]bool{decoder.Send: st.SentEnd, decoder.Recv: st.RecvEnd},
		})
	}
	return s
}
