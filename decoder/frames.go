package decoder

import "h2trace/decoder/ktime"

// frame interprets a complete frame of h and reports it.
func (c *Conn) frame(at ktime.Time, h *side, payload []byte) {
	f, r := &c.out, &h.framer
	*f = Frame{
		Time:      at,
		Dir:       h.dir,
		Type:      r.frame.typ,
		Flags:     r.frame.flags,
		StreamID:  r.frame.stream,
		Length:    r.frame.length,
		Truncated: r.truncated,
		Cut:       r.cut,
		Missing:   r.missing,
		Settings:  f.Settings[:0],
		Origins:   f.Origins[:0],
	}
	broken := c.framing(h, f)
	note := func(v *Violation) {
		if broken == nil {
			broken = v
		}
	}
	var s *stream
	if f.StreamID != 0 {
		s = c.streams.byID[f.StreamID]
	}
	var reset *Direction
	ends := false
	switch f.Type {
	case TypeData:
		note(c.data(h, f, s))
		ends = f.Flags.Has(FlagEndStream)
	case TypeHeaders, TypePushPromise, TypeContinuation:
		broken, s, ends = c.fieldFrame(h, f, s, payload, broken)
	default:
		if int(f.Type) < len(parsers) && parsers[f.Type] != nil {
			note(parsers[f.Type](f, payload))
		}
		note(c.control(h.dir, f, s))
		if f.Type == TypeRSTStream && f.Length == 4 {
			reset = &f.Dir
		}
	}
	if s != nil && ends {
		s.ended[h.dir] = true
	}
	f.Violation = broken
	c.windows.remember(f, s, h.at, h.blocks.endsStream(f))
	f.Window = c.windows.snapshot(s)
	if s != nil && (reset != nil || s.ended[Send] && s.ended[Recv]) {
		c.streams.shut(f.StreamID, s, reset)
		c.windows.drop(s)
	}
	c.sink.Frame(f)
	h.blocks.reported(f)
	if c.meter.bound.Burst > 0 {
		c.charge(h, f, s)
	}
	f.Headers = nil
	if cap(f.Settings) > keepFields {
		f.Settings = nil
	}
	if cap(f.Origins) > keepFields {
		f.Origins = nil
	}
}

// framing checks the rules for frames of any type.
func (c *Conn) framing(h *side, f *Frame) *Violation {
	limit, known := c.settings.most(h.dir, SettingMaxFrameSize)
	switch {
	case known && f.Length > limit:
		return ruleFrameSize
	case h.blocks.block.open && (f.Type != TypeContinuation || f.StreamID != h.blocks.block.stream):
		return interrupts(f.Type, h.blocks.block.last)
	case h.first && !mayBegin(f) && !c.missed[h.dir]:
		return ruleFirstFrame
	}
	return nil
}

// mayBegin reports whether a frame is one that may be the first of a side, or an acknowledgement of the
// wrong size, which is an error before that.
func mayBegin(f *Frame) bool {
	return f.Type == TypeSettings && (!f.Flags.Has(FlagAck) || f.Length > 0)
}

// data handles a DATA frame (RFC 9113 §6.1).
func (c *Conn) data(h *side, f *Frame, s *stream) *Violation {
	body := &h.framer.body
	f.Body = body.collected
	var broken *Violation
	if n, fits := body.dataLength(); body.padKnown {
		f.DataLength = uint32(n)
		switch {
		case body.padded && f.Length == 0:
			broken = ruleTooShort
		case !fits:
			broken = rulePadding[TypeData]
		}
	} else if f.Length == 0 {
		broken = ruleTooShort
	} else {
		f.PaddingUnknown = true
	}
	if broken == nil {
		broken = onStream(f)
	}
	if broken == nil {
		broken = c.streams.dataOn(h.dir, f.StreamID, s)
	}
	if v := c.windows.data(h.dir, s, int64(f.Length)); broken == nil {
		broken = v
	}
	if v := c.streams.messageData(h.dir, f, s); broken == nil {
		broken = v
	}
	return broken
}

// fieldFrame handles the frames that carry field blocks (RFC 9113 §4.3).
func (c *Conn) fieldFrame(h *side, f *Frame, s *stream, payload []byte, broken *Violation) (*Violation, *stream, bool) {
	note := func(v *Violation) {
		if broken == nil {
			broken = v
		}
	}
	note(h.blocks.frame(f, payload, c.settings.longestBlock(h.dir), h.framer.crowdedOut, h.resynced))
	if broken == ruleStrayContinued {
		broken = c.streams.strayOn(h.dir, f.StreamID, s)
	}
	note(selfDependency(f))
	if client, ok := ClientOf(f); ok && !c.streams.known {
		c.streams.setClient(client)
	}
	c.streams.outOfStep = c.outOfStep()
	switch {
	case f.StreamID == 0:
	case f.Type == TypeHeaders:
		next, v := c.streams.headersOn(h.dir, f, s)
		note(v)
		s = next
	case f.Type == TypePushPromise && f.Truncated && f.PromisedID == 0:
		c.streams.lossy = true // the promised stream is unknown
	case f.Type == TypePushPromise:
		note(c.streams.promise(h.dir, f, s))
	}
	if f.BlockEnd && h.blocks.block.open {
		note(c.streams.messageFields(f, s, h.blocks.block.promised, h.blocks.block.endStream))
	}
	return broken, s, h.blocks.endsStream(f)
}

// outOfStep reports whether frames of a direction come late or never now.
func (c *Conn) outOfStep() bool {
	return c.replaying || c.sides[Send].mode == searching || c.sides[Recv].mode == searching
}

// ClientOf returns the direction of the client, if the first field of a frame shows it:
// requests and responses have different pseudo-header fields (RFC 9113 §8.3). The server
// sends the request of a PUSH_PROMISE.
func ClientOf(f *Frame) (d Direction, ok bool) {
	if len(f.Headers) == 0 {
		return 0, false
	}
	switch f.Headers[0].Name {
	case ":method", ":scheme", ":path", ":authority":
		if f.Type == TypePushPromise {
			return f.Dir.other(), true
		}
		return f.Dir, true
	case ":status":
		return f.Dir.other(), true
	}
	return 0, false
}

// control applies the frames that carry neither data nor fields.
func (c *Conn) control(d Direction, f *Frame, s *stream) *Violation {
	switch f.Type {
	case TypeSettings:
		switch {
		case f.Truncated:
			c.settings.lost(d)
			c.windows.settingsLost(d)
			c.limitTables()
		case f.StreamID == 0 && f.Length%6 == 0 && (f.Length == 0 || !f.Flags.Has(FlagAck)):
			return c.applySettings(d, f)
		}
	case TypeRSTStream:
		if s == nil && f.StreamID != 0 && c.streams.known {
			return c.streams.resetClosed(d, f.StreamID)
		}
	case TypeWindowUpdate:
		if s != nil && s.reserved && c.streams.initiator(f.StreamID) == d {
			return ruleReserved
		}
		return c.windows.update(d, f, s)
	case TypePriorityUpdate:
		return c.streams.prioritize(d, f)
	case TypeGoAway:
		return c.streams.goAway(d, f)
	}
	return nil
}

// applySettings applies a whole SETTINGS frame of direction d.
func (c *Conn) applySettings(d Direction, f *Frame) (broken *Violation) {
	var p params
	ack := f.Flags.Has(FlagAck)
	if ack {
		p = c.settings.acknowledge(d)
	} else {
		p, broken = c.settings.announce(d, f, c.streams.known && d != c.streams.clientDir)
	}
	c.limitTables()
	if size := p[SettingHeaderTableSize]; ack && size.set {
		// The encoder of the side that acknowledges is bound from here.
		c.sides[d].blocks.table.demand(size.value)
	}
	if v := c.windows.apply(d, ack, p); broken == nil {
		broken = v
	}
	return broken
}
