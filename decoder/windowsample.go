package decoder

import (
	"math"

	"h2trace/decoder/ktime"
)

// WindowSample is the flow-control state in the memory of the observed process at a
// moment. By then the process had handled exactly the received frames that end up to
// At[Recv], and had written exactly the frames that end up to At[Send]. Places count the
// bytes of a direction since the first call of Data, Skip or Gap.
//
// A process takes credit before it writes DATA, and grants it before it writes
// WINDOW_UPDATE. So a sample may show too little to send, and too much to receive, by the
// bytes about to be written. The decoder accepts it only if several agree.
type WindowSample struct {
	Time    ktime.Time
	At      [2]int64
	Conn    [2]Credit
	Initial [2]Credit // INITIAL_WINDOW_SIZE in force, as in credits
	// PeerMaxFrame is the peer's MAX_FRAME_SIZE in force.
	PeerMaxFrame uint32
	Streams      []StreamSample
	// Listed is the result of Listing before the streams were listed.
	Listed int64
}

// StreamSample is an open stream of a WindowSample.
type StreamSample struct {
	ID     uint32
	Credit [2]Credit
	Ended  [2]bool // END_STREAM went that way
}

// Windows takes a sample. A sample of later places waits for them. If frame boundaries are
// being searched, its places prove them.
func (c *Conn) Windows(s WindowSample) {
	r := c.windows.history
	if r == nil || c.decided && c.protocol != HTTP2 {
		return
	}
	if len(r.pending) == maxPendingSamples {
		r.pending = append(r.pending[:0], r.pending[1:]...)
	}
	r.pending = append(r.pending, s)
	c.useSamples()
}

// useSamples applies the samples whose places are reached.
func (c *Conn) useSamples() {
	for c.windows.history != nil && len(c.windows.history.pending) > 0 {
		s := c.windows.history.pending[0]
		for d := range c.sides {
			if c.sides[d].at < s.At[d] {
				return
			}
		}
		for d := range c.sides {
			c.boundary(s.Time, &c.sides[d], s.At[d])
		}
		r := c.windows.history
		if r == nil || len(r.pending) == 0 {
			return
		}
		r.pending = append(r.pending[:0], r.pending[1:]...)
		if c.covers(&s) {
			c.windows.estimate(&s)
		}
	}
}

// covers reports whether the places of a sample lie between frames, and all frames since
// are known.
func (c *Conn) covers(s *WindowSample) bool {
	r := c.windows.history
	for d := range c.sides {
		h := &c.sides[d]
		if h.mode != framing || h.framer.counting || s.At[d] < h.since || r.dropped[d] > s.At[d] {
			return false
		}
		found := s.At[d] == h.since || s.At[d] == r.dropped[d]
		for i := range r.steps {
			st := &r.steps[i]
			found = found || int(st.dir) == d && st.end == s.At[d]
		}
		if !found {
			return false
		}
	}
	for i := range r.steps {
		if st := &r.steps[i]; st.settings && st.end > s.At[st.dir] {
			return false
		}
	}
	return true
}

// boundary ends a search at a known frame boundary.
func (c *Conn) boundary(at ktime.Time, h *side, place int64) {
	if h.mode == starting && !c.fromStart {
		c.startLost(at, h)
	}
	if h.mode == searching && h.boundary(place, c.expects(h.dir)) == found {
		c.enter(at, h)
		c.decode(h)
	}
}

// boundary finds the frames that begin at a place, or end there.
func (h *side) boundary(place int64, p plausible) event {
	off := h.held.end() - (h.at - place)
	if off < h.held.base || off > h.held.end() {
		return dry
	}
	if raw := h.held.buf[off-h.held.base:]; len(raw) >= frameHeaderLen {
		if _, ok := p.evidence(raw[:frameHeaderLen]); !ok {
			return dry
		}
	}
	if h.search.bonus && h.held.base == 0 && h.leadsTo(off, p) {
		off = 0
	}
	h.boundaries = boundaries{first: off, late: math.MaxInt64}
	return found
}

// Quiet says that both directions have been fed all bytes until now. The last sample
// suffices if nothing was sent for a while after it.
func (c *Conn) Quiet(now ktime.Time) {
	if h := &c.sides[Send]; h.mode == framing {
		c.windows.quiet(now, h.at)
	}
}

// Listing returns the value for WindowSample.Listed, before streams are listed.
func (c *Conn) Listing() int64 { return c.windows.listing() }

// Lists reports whether the streams of a listing are still open, except those known to
// have ended. It is false after a loss.
func (c *Conn) Lists(listing int64) bool { return c.windows.lists(listing) }

// WindowsKnown reports whether all credits of the last sample are known, so that no more
// samples are needed.
func (c *Conn) WindowsKnown() bool {
	r := c.windows.history
	return r == nil || r.complete && len(r.pending) == 0
}

// ForgoWindows says that no more samples will come until a loss. Unknown windows stay
// unknown.
func (c *Conn) ForgoWindows() { c.windows.history = nil }
