package decoder

// streams follows the streams of a connection by its frames (RFC 9113 §5): who opens
// them, how they end, and the progress of their messages. It knows neither bytes nor field
// blocks.
type streams struct {
	settings *settings

	known     bool // clientDir is
	clientDir Direction
	// lossy says that frames may be missing, at the start or later.
	lossy bool
	// crowded says that some open streams were not followed.
	crowded bool
	// outOfStep says that frames of a direction come late or never, because its
	// frame boundaries are being searched. The windows of streams that open meanwhile
	// are unknown.
	outOfStep bool

	byID       map[uint32]*stream
	lastID     [2]uint32 // highest stream identifier that a side opened
	active     [2]int    // open streams that count for MAX_CONCURRENT_STREAMS
	closed     []closedStream
	nextClosed int
	passed     [4]idRange // streams passed over, the latest
	nextPassed int
	goneAway   [2]lastStream
}

// setClient sets the direction of the client.
func (m *streams) setClient(d Direction) { m.known, m.clientDir = true, d }

// lost drops what frames in lost bytes may have changed: streams may have opened and
// closed.
func (m *streams) lost() {
	m.lossy = true
	m.byID, m.closed, m.nextClosed = nil, nil, 0
	m.active = [2]int{}
	m.goneAway = [2]lastStream{}
}

// closedStream remembers how a stream ended, per sender.
type closedStream struct {
	id    uint32
	ended [2]bool
	reset [2]bool
}

// initiator returns the direction of the endpoint that opens streams like id
// (RFC 9113 §5.1.1: clients use odd identifiers).
func (m *streams) initiator(id uint32) Direction {
	if id%2 == 1 {
		return m.clientDir
	}
	return m.clientDir.other()
}

// idRange is a run of stream identifiers of one parity, to excluded.
type idRange struct{ from, to, parity uint32 }

// passedOver reports whether a stream was certainly never opened although a
// later one of the same side was.
func (m *streams) passedOver(id uint32) bool {
	if !m.certain() {
		return false
	}
	for _, r := range m.passed {
		if id >= r.from && id < r.to && id%2 == r.parity {
			return true
		}
	}
	return false
}

// certain reports whether every frame so far was seen, so that an unknown stream never
// existed.
func (m *streams) certain() bool { return m.known && !m.lossy && !m.crowded }

// idle reports whether an unfollowed stream was certainly never opened.
func (m *streams) idle(id uint32) bool {
	return m.certain() && id > m.lastID[m.initiator(id)]
}

// open begins to follow a stream that was opened or reserved.
func (m *streams) open(id uint32) *stream {
	by := m.initiator(id)
	if id > m.lastID[by]+2 {
		// This closes the streams between, which were never open (RFC 9113 §5.1.1).
		m.passed[m.nextPassed] = idRange{from: m.lastID[by] + 1, to: id, parity: id % 2}
		m.nextPassed = (m.nextPassed + 1) % len(m.passed)
	}
	m.lastID[by] = max(m.lastID[by], id)
	if len(m.byID) >= maxStreams {
		m.crowded = true
		return nil
	}
	s := &stream{known: [2]bool{true, true}, at: [2]message{beforeHead, beforeHead}}
	if m.byID == nil {
		m.byID = make(map[uint32]*stream)
	}
	m.byID[id] = s
	return s
}

// shut drops a stream, and remembers how it ended.
func (m *streams) shut(id uint32, s *stream, reset *Direction) {
	delete(m.byID, id)
	if !s.reserved {
		m.active[m.initiator(id)]--
	}
	cl := closedStream{id: id, ended: s.ended}
	if reset != nil {
		cl.reset[*reset] = true
	}
	if len(m.closed) < maxClosed {
		m.closed = append(m.closed, cl)
		return
	}
	m.closed[m.nextClosed] = cl
	m.nextClosed = (m.nextClosed + 1) % maxClosed
}

// recall returns the end of a closed stream, or nil.
func (m *streams) recall(id uint32) *closedStream {
	for i := range m.closed {
		if m.closed[i].id == id {
			return &m.closed[i]
		}
	}
	return nil
}

// late returns the rule that a DATA or HEADERS frame of direction d breaks on an
// unfollowed stream. A frame that its sender could not know to be late breaks none.
func (m *streams) late(d Direction, id uint32) *Violation {
	if cl := m.recall(id); cl != nil {
		switch {
		case cl.reset[d]:
			return ruleAfterReset
		case cl.ended[d]:
			return ruleAfterEnd
		}
		return nil
	}
	switch {
	case m.idle(id):
		return ruleIdle
	case m.passedOver(id):
		return rulePassedOver
	}
	return nil
}

// headersOn applies a HEADERS frame to its stream, which it may open.
func (m *streams) headersOn(d Direction, f *Frame, s *stream) (*stream, *Violation) {
	switch {
	case s != nil && s.reserved:
		if d != m.initiator(f.StreamID) {
			return s, ruleReserved
		}
		s.reserved = false
		return s, m.activate(d)
	case s != nil && s.ended[d]:
		return s, ruleAfterEnd
	case s != nil || !m.known:
		return s, nil
	}
	if d != m.clientDir || m.initiator(f.StreamID) != d || f.StreamID <= m.lastID[d] {
		v := m.late(d, f.StreamID)
		switch {
		case v == ruleIdle && d != m.clientDir:
			v = ruleIdleByServer
		case v == ruleIdle && f.StreamID%2 == 0:
			v = ruleEvenID
		}
		if by := m.initiator(f.StreamID); m.lossy && f.StreamID > m.lastID[by] {
			m.lastID[by] = f.StreamID
		}
		return nil, v
	}
	if m.lossy && !m.opens(f) {
		m.lastID[d] = f.StreamID
		return nil, nil
	}
	if s = m.open(f.StreamID); s == nil {
		return nil, nil
	}
	return s, m.activate(d)
}

// opens reports whether a client's HEADERS frame certainly opens its stream, although an
// earlier one may be missing. Trailers end the stream and have no pseudo-header fields (RFC
// 9113 §8.1).
func (m *streams) opens(f *Frame) bool {
	if m.outOfStep {
		return false
	}
	if !f.Flags.Has(FlagEndStream) {
		return true
	}
	return len(f.Headers) > 0 && f.Headers[0].IsPseudo()
}

// activate counts a stream that d opened (RFC 9113 §5.1.2).
func (m *streams) activate(d Direction) *Violation {
	m.active[d]++
	limit, known := m.settings.most(d, SettingMaxConcurrentStreams)
	if known && int64(m.active[d]) > int64(limit) {
		return ruleTooManyStreams
	}
	return nil
}

// dataOn checks the stream of a DATA frame.
func (m *streams) dataOn(d Direction, id uint32, s *stream) *Violation {
	switch {
	case s == nil && m.known:
		switch v := m.late(d, id); v {
		case ruleAfterEnd:
			return ruleDataAfterEnd
		case ruleAfterReset:
			return ruleDataAfterReset
		default:
			return v
		}
	case s == nil:
		return nil
	case s.reserved:
		return ruleReserved
	case s.ended[d]:
		return ruleDataAfterEnd
	}
	return nil
}

// strayOn returns the rule that a CONTINUATION frame without an open field block breaks.
func (m *streams) strayOn(d Direction, id uint32, s *stream) *Violation {
	var state *Violation
	switch {
	case s != nil && s.ended[d]:
		return ruleStrayEnd
	case s == nil && m.known:
		state = m.late(d, id)
	}
	switch state {
	case ruleIdle:
		return ruleStrayIdle
	case ruleAfterEnd:
		return ruleStrayEnd
	case ruleAfterReset:
		return ruleStrayReset
	}
	return ruleStrayContinued
}

// resetClosed handles RST_STREAM on a stream that is not followed.
func (m *streams) resetClosed(d Direction, id uint32) *Violation {
	if cl := m.recall(id); cl != nil {
		cl.reset[d] = true
		return nil
	}
	if m.idle(id) {
		return ruleResetIdle
	}
	return nil
}

// adopt begins to follow a stream that was open before.
func (m *streams) adopt(id uint32, s *stream) {
	if m.byID == nil {
		m.byID = make(map[uint32]*stream)
	}
	m.byID[id] = s
	by := m.initiator(id)
	m.active[by]++
	m.lastID[by] = max(m.lastID[by], id)
}
