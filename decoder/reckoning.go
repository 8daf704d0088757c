package decoder

import "math"

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
	Time    int64
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

const (
	// agreeSamples is how many samples must say the same, and agreeTime how
	// long it takes them, in nanoseconds: no goroutine is between taking
	// credit and writing each time, nor for that long.
	agreeSamples = 3
	agreeTime    = 2_000_000
	// quietTime is how long nothing may be sent behind a sample for it to be
	// enough: what was taken or granted would have been written by then.
	quietTime = 20_000_000
)

// reckoning is what is kept while the windows of a connection are not known: what
// became of them in the latest frames, so that a sample of a moment ago can be
// carried forward to now.
type reckoning struct {
	steps   []step
	next    int
	dropped [2]int64 // by direction, where the last step ended that was forgotten

	guess   [2]guess // of the connection
	streams map[uint32]*[2]guess
	pending []WindowSample

	// ends are the ends of streams that are not followed.
	ends     []closedStream
	nextEnd  int
	numEnded int64
	// last and sent are the time and place of the last sample, and worse says
	// that others were better than it; complete says that all that it held is known.
	last     int64
	sent     int64
	worse    bool
	complete bool
}

// step is a frame, by what it did to credit.
type step struct {
	end      int64
	dir      Direction
	credit   Direction // that it changed
	stream   uint32    // 0: of the connection only
	both     bool      // the connection's too
	settings bool
	amount   int64
}

// guess is a credit that samples agree on so far.
type guess struct {
	bytes  int64 // of the connection; a stream has its own
	agreed int
	since  int64
	last   int64 // when one last agreed
}

// reckon is called for each frame when it has taken effect.
func (c *Conn) reckon(h *half, f *Frame, s *stream) {
	r := c.reckoning
	if r == nil {
		return
	}
	st := step{end: h.at, dir: h.dir}
	switch f.Type {
	case TypeData:
		st.credit, st.stream, st.both, st.amount = h.dir, f.StreamID, true, -int64(f.Length)
	case TypeWindowUpdate:
		st.credit, st.stream, st.both, st.amount = h.dir.other(), f.StreamID, f.StreamID == 0, int64(f.Increment)
	case TypeSettings:
		st.settings = true
	}
	if st.both {
		r.guess[st.credit].bytes += st.amount
	}
	r.add(st)
	if s == nil && f.StreamID != 0 {
		r.ended(h, f)
	}
}

func (r *reckoning) add(s step) {
	if len(r.steps) < maxSteps {
		r.steps = append(r.steps, s)
		return
	}
	old := &r.steps[r.next]
	r.dropped[old.dir] = old.end
	*old = s
	r.next = (r.next + 1) % maxSteps
}

// ended notes the end of a stream that is not followed.
func (r *reckoning) ended(h *half, f *Frame) {
	e := closedStream{id: f.StreamID}
	switch {
	case f.Type == TypeRSTStream:
		e.reset[h.dir] = true
	case f.Type == TypeData && f.Flags.Has(FlagEndStream),
		f.BlockEnd && h.block.endStream && h.block.stream == f.StreamID:
		e.ended[h.dir] = true
	default:
		return
	}
	r.numEnded++
	if len(r.ends) < maxEnds {
		r.ends = append(r.ends, e)
		return
	}
	r.ends[r.nextEnd] = e
	r.nextEnd = (r.nextEnd + 1) % maxEnds
}

// Listing returns what WindowSample.Listed is to be for streams that are listed
// now.
func (c *Conn) Listing() int64 {
	if c.reckoning == nil {
		return 0
	}
	return c.reckoning.numEnded
}

// WindowsKnown reports whether no more samples are needed: all that the last one
// held is known.
func (c *Conn) WindowsKnown() bool {
	r := c.reckoning
	return r == nil || r.complete && len(r.pending) == 0
}

// ForgoWindows says that no more samples will come. What is not known by now
// stays so, until a loss makes other windows unknown.
func (c *Conn) ForgoWindows() { c.reckoning = nil }

// Windows takes a sample. One of places not reached yet waits until they are.
// Where frame boundaries are searched, the places prove them.
func (c *Conn) Windows(s WindowSample) {
	r := c.reckoning
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
	for c.reckoning != nil && len(c.reckoning.pending) > 0 {
		s := c.reckoning.pending[0]
		for d := range c.halves {
			if c.halves[d].at < s.At[d] {
				return
			}
		}
		for d := range c.halves {
			c.halves[d].boundary(s.Time, s.At[d])
		}
		r := c.reckoning
		if r == nil || len(r.pending) == 0 {
			return
		}
		r.pending = append(r.pending[:0], r.pending[1:]...)
		if c.covers(&s) {
			c.believe(&s)
		}
	}
}

// covers reports whether the places of a sample are between frames, and all that
// happened since is known.
func (c *Conn) covers(s *WindowSample) bool {
	r := c.reckoning
	for d := range c.halves {
		h := &c.halves[d]
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

// since returns what frames behind the places of a sample did to the credit of a
// stream, or of the connection.
func (r *reckoning) since(s *WindowSample, d Direction, stream uint32) int64 {
	n := int64(0)
	for i := range r.steps {
		st := &r.steps[i]
		if st.end <= s.At[st.dir] || st.credit != d {
			continue
		}
		if stream == 0 && st.both || stream != 0 && st.stream == stream {
			n += st.amount
		}
	}
	return n
}

// believe carries a sample forward to now, and takes over what enough of them
// agree on.
func (c *Conn) believe(s *WindowSample) {
	r := c.reckoning
	r.complete, r.worse, r.last, r.sent = true, false, s.Time, s.At[Send]
	for _, d := range []Direction{Send, Recv} {
		if s.Initial[d].Known && !c.credits.initial[d].Known {
			c.recoverInitial(d, s)
		}
		if !s.Conn[d].Known || c.credits.conn[d].Known {
			continue
		}
		g := &r.guess[d]
		now := s.Conn[d].Bytes + r.since(s, d, 0)
		g.bytes = g.weigh(s.Time, d, now, g.bytes)
		c.settleConn(d, g.enough())
		r.worse = r.worse || g.last != s.Time
	}
	for i := range s.Streams {
		c.believeStream(s, &s.Streams[i])
	}
}

// weigh compares what a sample comes to with the credit that others agreed on,
// and returns the better of the two. There is never less to send, nor more to
// receive, than a sample says.
func (g *guess) weigh(at int64, d Direction, now, agreed int64) int64 {
	switch {
	case g.agreed > 0 && now == agreed:
		g.agreed++
		g.last = at
		return agreed
	case g.agreed > 0 && (now < agreed) == (d == Send):
		return agreed // credit was taken or granted, and not written yet
	}
	g.agreed, g.since, g.last = 1, at, at
	return now
}

func (g *guess) enough() bool {
	return g.agreed >= agreeSamples && g.last-g.since >= agreeTime
}

// settleConn takes over what samples agree on for the connection, if they do.
func (c *Conn) settleConn(d Direction, agreed bool) {
	if !agreed {
		c.reckoning.complete = false
		return
	}
	c.credits.conn[d] = Credit{Bytes: c.reckoning.guess[d].bytes, Known: true}
}

// settleStream does so for a stream.
func (c *Conn) settleStream(s *stream, d Direction, agreed bool) {
	if !agreed {
		c.reckoning.complete = false
		return
	}
	s.known[d] = true
	c.credits.highest[d] = max(c.credits.highest[d], s.distance[d])
}

// Quiet says that the directions have been fed all that went until now. The last
// sample is enough if nothing was sent since for a while.
func (c *Conn) Quiet(now int64) {
	r := c.reckoning
	if r == nil || r.complete || r.worse || r.last == 0 || now-r.last < quietTime {
		return
	}
	if h := &c.halves[Send]; h.mode != framing || h.at != r.sent || len(r.pending) > 0 {
		return
	}
	r.complete = true
	for _, d := range []Direction{Send, Recv} {
		if r.guess[d].last == r.last && !c.credits.conn[d].Known {
			c.settleConn(d, true)
		}
		for id, guesses := range r.streams {
			if s := c.streams[id]; s != nil && guesses[d].last == r.last && !s.known[d] {
				c.settleStream(s, d, true)
			}
		}
	}
}

// recoverInitial takes over the INITIAL_WINDOW_SIZE that governs a direction, and
// what else the side that announced it did.
func (c *Conn) recoverInitial(d Direction, s *WindowSample) {
	c.credits.initial[d] = s.Initial[d]
	a := &c.announced[d.other()]
	*a = announced{}
	a.acked[SettingInitialWindowSize] = param{uint32(s.Initial[d].Bytes), true}
	if d == Send {
		a.acked[SettingMaxFrameSize] = param{s.PeerMaxFrame, s.PeerMaxFrame > 0}
	}
}

// believeStream does so for a stream. One that was open before it could be
// followed is from then on.
func (c *Conn) believeStream(s *WindowSample, sample *StreamSample) {
	r := c.reckoning
	st := c.streams[sample.ID]
	if st == nil {
		if st = c.adopt(s, sample); st == nil {
			return
		}
	}
	for _, d := range []Direction{Send, Recv} {
		if st.known[d] || !c.credits.initial[d].Known {
			continue
		}
		guesses := r.streams[sample.ID]
		if guesses == nil {
			continue // it lost its value, not its beginning
		}
		if !sample.Credit[d].Known {
			r.complete, r.worse = false, true
			continue
		}
		g := &guesses[d]
		initial := c.credits.initial[d].Bytes
		now := sample.Credit[d].Bytes + r.since(s, d, sample.ID)
		st.distance[d] = g.weigh(s.Time, d, now, st.distance[d]+initial) - initial
		c.settleStream(st, d, g.enough())
		r.worse = r.worse || g.last != s.Time
	}
}

// adopt begins to follow a stream that a sample found open, unless it ended since.
func (c *Conn) adopt(s *WindowSample, sample *StreamSample) *stream {
	r := c.reckoning
	if !c.roleKnown() || r.numEnded-s.Listed > maxEnds || len(c.streams) >= maxStreams || c.recall(sample.ID) != nil {
		return nil
	}
	st := &stream{ended: sample.Ended}
	for i := range r.ends {
		e := &r.ends[i]
		if e.id != sample.ID {
			continue
		}
		if e.reset != [2]bool{} {
			return nil
		}
		st.ended[Send] = st.ended[Send] || e.ended[Send]
		st.ended[Recv] = st.ended[Recv] || e.ended[Recv]
	}
	if st.ended[Send] && st.ended[Recv] {
		return nil
	}
	if c.streams == nil {
		c.streams = make(map[uint32]*stream)
	}
	c.streams[sample.ID] = st
	if r.streams == nil {
		r.streams = make(map[uint32]*[2]guess)
	}
	r.streams[sample.ID] = new([2]guess)
	by := c.initiator(sample.ID)
	c.active[by]++
	c.lastID[by] = max(c.lastID[by], sample.ID)
	return st
}

// boundary ends a search for frame boundaries at a place that is one.
func (h *half) boundary(at, place int64) {
	if h.mode == starting && !h.conn.fromStart {
		h.conn.startLost(at, h)
	}
	if h.mode != searching {
		return
	}
	off := h.held.end() - (h.at - place)
	if off < h.held.base || off > h.held.end() {
		return
	}
	if raw := h.held.buf[off-h.held.base:]; len(raw) >= frameHeaderLen {
		if _, ok := h.conn.evidence(h.dir, raw[:frameHeaderLen]); !ok {
			return
		}
	}
	if h.search.bonus && h.held.base == 0 && h.leadsTo(off) {
		off = 0
	}
	h.enter(at, off)
	h.replay(off, math.MaxInt64)
}

// recovering begins to keep what a sample needs. Samples of places to come are
// as good as before; a list of streams from before is not, as some may have ended
// unseen.
func (c *Conn) recovering() {
	before := c.reckoning
	c.reckoning = &reckoning{}
	if before != nil {
		c.reckoning.pending = before.pending
		c.reckoning.numEnded = before.numEnded + maxEnds + 1
	}
}
