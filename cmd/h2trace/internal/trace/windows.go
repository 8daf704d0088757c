package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
)

const (
	// samplesAsked is how many samples of the windows of a connection are asked
	// for at a time, sampleInterval how far they are apart at least, and
	// maxSamples how many are taken before it is given up.
	samplesAsked   = 32
	sampleInterval = time.Millisecond
	maxSamples     = 512
	// maxListings is how often the list of open streams is tried to be read
	// while the process changes it.
	maxListings = 16
	// maxMistrusted is how often the memory may not be what it should.
	maxMistrusted = 8
)

// missingWindows is how far the recovery of the windows of a connection is.
type missingWindows struct {
	forgone    bool // they will not be known
	samples    int
	left       int // of those asked for
	mistrusted int

	listings int
	listed   bool
	streams  []uint64
	listing  int64 // of the decoder, when they were listed
	// sampled says that the last sample held what was listed.
	sampled bool
}

// windowsSettled reports whether nothing more is to be done for the windows.
func (c *tracedConn) windowsSettled() bool {
	w := &c.missing.windows
	return w.forgone || w.sampled && c.decoder.WindowsKnown()
}

// askWindows tells the kernel that the windows of c are wanted.
func (r *recovery) askWindows(c *tracedConn) error {
	w := &c.missing.windows
	if w.forgone {
		return nil
	}
	if w.samples >= maxSamples {
		return r.forgoWindows(c)
	}
	w.left = samplesAsked
	room, err := r.kernel.Wish(c.id, bpf.Wish{Windows: &bpf.WindowWish{
		Samples: samplesAsked, Interval: sampleInterval, Streams: w.streams,
	}})
	if err == nil && !room {
		err = r.forgoWindows(c)
	}
	return err
}

func (r *recovery) forgoWindows(c *tracedConn) error {
	c.missing.windows.forgone = true
	c.decoder.ForgoWindows()
	_, err := r.kernel.Wish(c.id, bpf.Wish{Windows: &bpf.WindowWish{}})
	return err
}

// windows takes a sample of the windows of a connection.
func (r *recovery) windows(w *bpf.Windows) error {
	c := r.conns[w.Conn]
	if c == nil || c.missing.windows.forgone {
		return nil
	}
	m := &c.missing.windows
	m.samples++
	m.left--
	if w.Trusted {
		c.isOf(roleOf(w.Role()))
	}
	if c.plain != nil && !c.plain.begun() {
		// Its sequence numbers are of no place yet.
		if m.left <= 0 {
			return r.askWindows(c)
		}
		return nil
	}
	if !w.Trusted {
		if m.mistrusted++; m.mistrusted == maxMistrusted {
			return r.forgoWindows(c)
		}
	} else {
		s := windowSample(w, m.listing)
		for dir := range s.At {
			if c.plain != nil {
				s.At[dir] = c.place(dir, uint32(w.Offset[dir]))
			}
			s.At[dir] = c.decoderPlace(dir, s.At[dir])
		}
		c.decoder.Windows(s)
		m.sampled = m.listed && (len(m.streams) == 0 || w.Asked > 0)
	}
	if m.listed && m.listings < maxListings && !c.decoder.Lists(m.listing) {
		m.listed, m.sampled = false, false // what was lost since may have opened others
	}
	if w.Trusted && !m.listed {
		listing := c.decoder.Listing()
		m.streams, m.listed = r.kernel.OpenStreams(w.PID, w)
		m.listing = listing
		if m.listings++; m.listings == maxListings {
			m.listed = true
		}
		if m.listed && len(m.streams) == 0 {
			m.sampled = true
		} else if m.listed {
			return r.askWindows(c)
		}
	}
	if m.left <= 0 && !c.windowsSettled() {
		return r.askWindows(c)
	}
	return nil
}

// windowSample is what the decoder is told of a sample.
func windowSample(w *bpf.Windows, listing int64) decoder.WindowSample {
	s := decoder.WindowSample{
		Time: int64(w.Time),
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
