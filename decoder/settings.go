package decoder

// params holds the parameters that change how the connection is decoded, by
// SettingID from HEADER_TABLE_SIZE to MAX_HEADER_LIST_SIZE.
type params [SettingMaxHeaderListSize + 1]param

type param struct {
	value uint32
	set   bool
}

// announced is what one side declared in its SETTINGS frames. A value binds
// the other side from the moment it acknowledges (RFC 9113 §6.5.3); until then
// it may go by the old or the new value, so limits are checked against the
// laxer of the two.
type announced struct {
	acked   params
	pending []params
	// unsure is set when SETTINGS frames or acknowledgements were lost:
	// the two can no longer be matched, and limits are unknown from then on.
	unsure bool
}

// fromStart sets the initial values (RFC 9113 §6.5.2).
func (a *announced) fromStart() {
	*a = announced{acked: params{
		SettingHeaderTableSize:      {defaultTable, true},
		SettingEnablePush:           {1, true},
		SettingMaxConcurrentStreams: {1<<32 - 1, true},
		SettingInitialWindowSize:    {defaultWindow, true},
		SettingMaxFrameSize:         {minMaxFrameSize, true},
	}}
}

// lose marks that SETTINGS frames of this side may have been missed.
func (a *announced) lose() {
	*a = announced{unsure: true}
}

// loseAcks marks that acknowledgements may have been missed.
func (a *announced) loseAcks() {
	if len(a.pending) > 0 {
		a.lose()
	}
}

// announce queues the parameters of a SETTINGS frame until the other side
// acknowledges them.
func (a *announced) announce(p params) {
	if a.unsure {
		return
	}
	if len(a.pending) == maxPendingSettings {
		a.lose()
		return
	}
	a.pending = append(a.pending, p)
}

// acknowledge applies the oldest SETTINGS frame that is unacknowledged and
// returns its parameters. Acknowledgements come in order (RFC 9113 §6.5.3).
func (a *announced) acknowledge() params {
	if len(a.pending) == 0 {
		return params{}
	}
	p := a.pending[0]
	a.pending = append(a.pending[:0], a.pending[1:]...)
	if len(a.pending) == 0 {
		a.pending = nil
	}
	for id, v := range p {
		if v.set {
			a.acked[id] = v
		}
	}
	return p
}

// most returns the laxest value that the other side may go by now.
func (a *announced) most(id SettingID) (uint32, bool) {
	p := a.acked[id]
	if !p.set {
		return 0, false
	}
	for _, later := range a.pending {
		if later[id].set {
			p.value = max(p.value, later[id].value)
		}
	}
	return p.value, true
}

// settings applies a whole SETTINGS frame of direction d.
func (c *Conn) settings(d Direction, f *Frame) *Violation {
	if f.Flags.Has(FlagAck) {
		return c.settingsAck(d)
	}
	var broken *Violation
	var p params
	fromServer := c.roleKnown() && d != c.clientDir
	for _, s := range f.Settings {
		if v := s.valid(fromServer); v != nil {
			if broken == nil {
				broken = v
			}
			continue
		}
		if int(s.ID) < len(p) {
			p[s.ID] = param{s.Value, true} // the last value wins (§6.5.3)
		}
	}
	c.announced[d].announce(p)
	if c.announced[Send].unsure {
		c.credits.initial[Recv] = Credit{}
	}
	c.limitTable(d)
	// The peer's INITIAL_WINDOW_SIZE applies when it is read.
	if w := p[SettingInitialWindowSize]; w.set && d == Recv {
		if v := c.credits.setInitial(Send, w.value, c.streams); v != nil && broken == nil {
			broken = v
		}
	}
	return broken
}

// settingsAck applies what d acknowledges: the SETTINGS of the other side.
func (c *Conn) settingsAck(d Direction) *Violation {
	p := c.announced[d.other()].acknowledge()
	c.limitTable(d.other())
	if t := p[SettingHeaderTableSize]; t.set {
		// The encoder of the side that acknowledges is bound from here.
		c.sides[d].table.demand(t.value)
	}
	if w := p[SettingInitialWindowSize]; w.set && d == Recv {
		return c.credits.setInitial(Recv, w.value, c.streams)
	}
	return nil
}

// limitTable tells the decoder of the fields that the announcing side receives
// how large their encoder's table may be.
func (c *Conn) limitTable(announcer Direction) {
	limit, known := c.announced[announcer].most(SettingHeaderTableSize)
	c.sides[announcer.other()].table.allow(limit, known)
}

// settingsLost marks that a SETTINGS frame or acknowledgement of d may have
// passed unseen.
func (c *Conn) settingsLost(d Direction) {
	c.announced[d].lose()
	c.announced[d.other()].loseAcks()
	for _, side := range []Direction{Send, Recv} {
		c.limitTable(side)
	}
	// What d announces governs what the other direction may send.
	if d == Recv {
		c.credits.initial[Send] = Credit{}
	}
	if c.announced[Send].unsure {
		c.credits.initial[Recv] = Credit{}
	}
}

// longestBlock is how long a field block of direction d may be, and the header list
// in it.
func (c *Conn) longestBlock(d Direction) int {
	agreed, known := c.announced[d.other()].most(SettingMaxHeaderListSize)
	if !known {
		return defaultBlock
	}
	return int(min(max(agreed, leastBlock), maxBlock))
}

// windowSlack is how much more a stream's credit in direction d may turn out
// to be, because d may go by a SETTINGS frame before its acknowledgement.
func (c *Conn) windowSlack(d Direction) int64 {
	if d == Send {
		return 0 // applied when read
	}
	most, known := c.announced[Send].most(SettingInitialWindowSize)
	if !known {
		return 0
	}
	return max(0, int64(most)-c.credits.initial[Recv].Bytes)
}
