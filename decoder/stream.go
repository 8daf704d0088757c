package decoder

// stream is an open, reserved or half-closed stream (RFC 9113 §5.1). Its size
// decides what ten thousand of them cost.
type stream struct {
	// distance is the credit of each direction minus the initial window.
	distance [2]int64
	// known is cleared for a direction when a WINDOW_UPDATE lost its value.
	known [2]bool
	// ended says that the direction sent END_STREAM.
	ended [2]bool
	// reserved is set between PUSH_PROMISE and the pushed HEADERS.
	reserved bool
	// exempt is of the response.
	exempt exempt
	// at is by direction, and so is content, nil where none is declared.
	at      [2]message
	content [2]*content
}

// closedStream remembers how a stream ended, per sender.
type closedStream struct {
	id    uint32
	ended [2]bool
	reset [2]bool
}

// initiator returns the direction of the endpoint that opens streams like id
// (RFC 9113 §5.1.1: clients use odd identifiers).
func (c *Conn) initiator(id uint32) Direction {
	if id%2 == 1 {
		return c.clientDir
	}
	return c.clientDir.other()
}

// idRange is a run of stream identifiers of one parity, to excluded.
type idRange struct{ from, to, parity uint32 }

// passedOver reports whether a stream was certainly never opened although a
// later one of the same side was.
func (c *Conn) passedOver(id uint32) bool {
	if !c.certain() {
		return false
	}
	for _, r := range c.passed {
		if id >= r.from && id < r.to && id%2 == r.parity {
			return true
		}
	}
	return false
}

// certain says that every frame so far was seen, so that what is not known
// never was.
func (c *Conn) certain() bool { return c.roleKnown() && !c.lossy && !c.crowded }

// idle reports that a stream which is not followed was certainly never opened.
func (c *Conn) idle(id uint32) bool {
	return c.certain() && id > c.lastID[c.initiator(id)]
}

// open begins to follow stream id, opened or reserved by direction d.
func (c *Conn) open(id uint32) *stream {
	by := c.initiator(id)
	if id > c.lastID[by]+2 {
		// Streams between are closed by this without ever having been open
		// (RFC 9113 §5.1.1).
		c.passed[c.nextPassed] = idRange{from: c.lastID[by] + 1, to: id, parity: id % 2}
		c.nextPassed = (c.nextPassed + 1) % len(c.passed)
	}
	c.lastID[by] = max(c.lastID[by], id)
	if len(c.streams) >= maxStreams {
		c.crowded = true
		return nil
	}
	s := &stream{known: [2]bool{true, true}, at: [2]message{beforeHead, beforeHead}}
	if c.streams == nil {
		c.streams = make(map[uint32]*stream)
	}
	c.streams[id] = s
	return s
}

// shut forgets stream id but for how it ended.
func (c *Conn) shut(id uint32, s *stream, reset *Direction) {
	delete(c.streams, id)
	if !s.reserved {
		c.active[c.initiator(id)]--
	}
	cl := closedStream{id: id, ended: s.ended}
	if reset != nil {
		cl.reset[*reset] = true
	}
	if len(c.closed) < maxClosed {
		c.closed = append(c.closed, cl)
		return
	}
	c.closed[c.nextClosed] = cl
	c.nextClosed = (c.nextClosed + 1) % maxClosed
}

// recall returns what is remembered of a closed stream, or nil.
func (c *Conn) recall(id uint32) *closedStream {
	for i := range c.closed {
		if c.closed[i].id == id {
			return &c.closed[i]
		}
	}
	return nil
}

// late returns the rule that a DATA or HEADERS frame of direction d broke by
// coming on a stream that is not followed. What its sender may not have known
// when it sent the frame is no violation.
func (c *Conn) late(d Direction, id uint32) *Violation {
	if cl := c.recall(id); cl != nil {
		switch {
		case cl.reset[d]:
			return ruleAfterReset
		case cl.ended[d]:
			return ruleAfterEnd
		}
		return nil
	}
	switch {
	case c.idle(id):
		return ruleIdle
	case c.passedOver(id):
		return rulePassedOver
	}
	return nil
}

// headersOn moves the stream of a HEADERS frame, and opens it where it does.
func (c *Conn) headersOn(d Direction, f *Frame, s *stream) (*stream, *Violation) {
	switch {
	case s != nil && s.reserved:
		if d != c.initiator(f.StreamID) {
			return s, ruleReserved
		}
		s.reserved = false
		return s, c.activate(d)
	case s != nil && s.ended[d]:
		return s, ruleAfterEnd
	case s != nil || !c.roleKnown():
		return s, nil
	}
	if d != c.clientDir || c.initiator(f.StreamID) != d || f.StreamID <= c.lastID[d] {
		v := c.late(d, f.StreamID)
		if by := c.initiator(f.StreamID); c.lossy && f.StreamID > c.lastID[by] {
			c.lastID[by] = f.StreamID
		}
		return nil, v
	}
	if c.lossy && !c.opens(f) {
		c.lastID[d] = f.StreamID
		return nil, nil
	}
	if s = c.open(f.StreamID); s == nil {
		return nil, nil
	}
	return s, c.activate(d)
}

// opens reports whether a client's HEADERS frame certainly opens its stream,
// on a connection where an earlier one may have been missed: trailers end the
// stream and have no pseudo-header fields (RFC 9113 §8.1).
func (c *Conn) opens(f *Frame) bool {
	if c.outOfStep() {
		return false
	}
	if !f.Flags.Has(FlagEndStream) {
		return true
	}
	return len(f.Headers) > 0 && f.Headers[0].IsPseudo()
}

// outOfStep reports whether frames of a direction come late or never now,
// because its frame boundaries are being searched: windows of streams that
// open meanwhile cannot be known.
func (c *Conn) outOfStep() bool {
	return c.replaying || c.sides[Send].mode == searching || c.sides[Recv].mode == searching
}

// activate counts a stream that d opened (RFC 9113 §5.1.2).
func (c *Conn) activate(d Direction) *Violation {
	c.active[d]++
	limit, known := c.announced[d.other()].most(SettingMaxConcurrentStreams)
	if known && int64(c.active[d]) > int64(limit) {
		return ruleTooManyStreams
	}
	return nil
}

// dataOn checks the stream of a DATA frame.
func (c *Conn) dataOn(d Direction, id uint32, s *stream) *Violation {
	switch {
	case s == nil && c.roleKnown():
		return c.late(d, id)
	case s == nil:
		return nil
	case s.reserved:
		return ruleReserved
	case s.ended[d]:
		return ruleAfterEnd
	}
	return nil
}

// promise reserves the stream of a PUSH_PROMISE (RFC 9113 §6.6).
func (c *Conn) promise(d Direction, f *Frame, parent *stream) *Violation {
	if !c.roleKnown() {
		return nil
	}
	if d == c.clientDir {
		return rulePushByClient
	}
	if f.PromisedID == 0 || f.PromisedID%2 == 1 || f.PromisedID <= c.lastID[d] {
		return rulePromisedID
	}
	if c.lossy && c.outOfStep() {
		c.lastID[d] = f.PromisedID
	} else if s := c.open(f.PromisedID); s != nil {
		s.reserved = true
		s.ended[c.clientDir] = true
	}
	if push, known := c.announced[c.clientDir].most(SettingEnablePush); known && push == 0 {
		return rulePushDisabled
	}
	if parent != nil && (parent.reserved || parent.ended[d]) {
		return rulePushParent
	}
	if parent == nil && c.idle(f.StreamID) {
		return ruleIdle
	}
	return nil
}
