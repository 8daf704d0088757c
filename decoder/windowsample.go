package decoder

import (
	"math"

	"h2trace/decoder/ktime"
)

// WindowSample is the flow-control state that the observed process itself kept
// at a moment. By then it had dealt with all frames that end up to the place At
// of what it received, and had written those that end up to At of what it sends,
// and no others. Places count the bytes of a direction since the first call of
// Data, Skip or Gap.
//
// A process takes credit before it writes DATA, and grants it before it writes
// WINDOW_UPDATE. So a sample may hold less than there is to send, and more than
// the peer may send, by what was about to be written: it is believed only when
// several agree.
type WindowSample struct {
	Time    ktime.Time
	At      [2]int64
	Conn    [2]Credit
	Initial [2]Credit // INITIAL_WINDOW_SIZE in force, as in credits
	// PeerMaxFrame is the peer's MAX_FRAME_SIZE in force.
	PeerMaxFrame uint32
	Streams      []StreamSample
	// Listed is what Listing returned before the streams were listed.
	Listed int64
}

// StreamSample is an open stream of a WindowSample.
type StreamSample struct {
	ID     uint32
	Credit [2]Credit
	Ended  [2]bool // END_STREAM went that way
}

// Windows takes a sample. One of places not reached yet waits until they are.
// Where frame boundaries are searched, the places prove them.
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

// useSamples takes the samples of places that are reached.
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

// covers reports whether the places of a sample are between frames, and all that
// happened since is known.
func (c *Conn) covers(s *WindowSample) bool {
	r := c.windows.history
	for d := range c.sides {
		h := &c.sides[d]
		if h.mode != framing || s.At[d] < h.since || r.dropped[d] > s.At[d] {
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

// boundary ends a search for frame boundaries at a place that is one.
func (c *Conn) boundary(at ktime.Time, h *side, place int64) {
	if h.mode == starting && !c.fromStart {
		c.startLost(at, h)
	}
	if h.mode == searching && h.boundary(place, c.expects(h.dir)) == found {
		c.enter(at, h)
		c.decode(h)
	}
}

// boundary finds the frames that begin at a place, or lead to it.
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

// Quiet says that the directions have been fed all that went until now. The last
// sample is enough if nothing was sent since for a while.
func (c *Conn) Quiet(now ktime.Time) {
	if h := &c.sides[Send]; h.mode == framing {
		c.windows.quiet(now, h.at)
	}
}

// Listing returns what WindowSample.Listed is to be for streams that are listed
// now.
func (c *Conn) Listing() int64 { return c.windows.listing() }

// Lists reports whether streams that were listed then are those that are open,
// but for those that it knows to have ended: nothing was lost since.
func (c *Conn) Lists(listing int64) bool { return c.windows.lists(listing) }

// WindowsKnown reports whether no more samples are needed: all that the last one
// held is known.
func (c *Conn) WindowsKnown() bool {
	r := c.windows.history
	return r == nil || r.complete && len(r.pending) == 0
}

// ForgoWindows says that no more samples will come. What is not known by now
// stays so, until a loss makes other windows unknown.
func (c *Conn) ForgoWindows() { c.windows.history = nil }
