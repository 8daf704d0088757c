package decoder

// params holds the parameters that affect decoding, by SettingID from HEADER_TABLE_SIZE
// to ENABLE_CONNECT_PROTOCOL.
type params [SettingEnableConnectProtocol + 1]param

type param struct {
	value uint32
	set   bool
}

// announced holds the SETTINGS of one side. A value binds the other side from its
// acknowledgement on (RFC 9113 §6.5.3). Until then the other side may use the old or the
// new value, so limits are checked against the laxer of the two.
type announced struct {
	acked   params
	pending []params
	// unsure says that SETTINGS frames or acknowledgements were lost. The two can no
	// longer be matched, and limits are unknown from then on.
	unsure bool
	// first says that the next SETTINGS frame is the first, whose NO_RFC7540_PRIORITIES is kept.
	first        bool
	noPriorities param
	// extended says that ENABLE_CONNECT_PROTOCOL has been 1.
	extended bool
}

// fromStart sets the initial values (RFC 9113 §6.5.2).
func (a *announced) fromStart() {
	*a = announced{first: true, acked: params{
		SettingHeaderTableSize:       {defaultTable, true},
		SettingEnablePush:            {1, true},
		SettingMaxConcurrentStreams:  {1<<32 - 1, true},
		SettingInitialWindowSize:     {defaultWindow, true},
		SettingMaxFrameSize:          {minMaxFrameSize, true},
		SettingEnableConnectProtocol: {0, true},
	}}
}

// lose says that SETTINGS frames of this side may be lost.
func (a *announced) lose() {
	*a = announced{unsure: true}
}

// loseAcks says that acknowledgements may be lost.
func (a *announced) loseAcks() {
	if len(a.pending) > 0 {
		a.lose()
	}
}

// announce queues the parameters of a SETTINGS frame for the acknowledgement.
func (a *announced) announce(p params) {
	if a.first { // it is 0 without the parameter
		a.first, a.noPriorities.set = false, true
	}
	if a.unsure {
		return
	}
	if len(a.pending) == maxPendingSettings {
		a.lose()
		return
	}
	a.pending = append(a.pending, p)
}

// acknowledge applies the oldest unacknowledged SETTINGS frame and returns its
// parameters. Acknowledgements come in order (RFC 9113 §6.5.3).
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

// most returns the laxest value that the other side may use now.
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

// settings holds what both sides announced, by the direction of the SETTINGS frames.
type settings [2]announced

// fromStart sets the initial values of both.
func (a *settings) fromStart() {
	for d := range a {
		a[d].fromStart()
	}
}

// announce queues a whole SETTINGS frame of direction d that is no acknowledgement.
func (a *settings) announce(d Direction, f *Frame, fromServer bool) (p params, broken *Violation) {
	for _, s := range f.Settings {
		v := s.valid(fromServer)
		if v == nil && int(s.ID) < len(p) {
			p[s.ID] = param{s.Value, true} // the last value wins (§6.5.3)
		}
		if v == nil {
			v = a[d].change(s)
		}
		if broken == nil {
			broken = v
		}
	}
	a[d].announce(p)
	return p, broken
}

// change returns the rule that a valid parameter breaks by what its sender announced before.
func (a *announced) change(s Setting) *Violation {
	switch s.ID {
	case SettingEnableConnectProtocol:
		if s.Value == 0 && a.extended {
			return ruleConnectProtocolTaken
		}
		a.extended = s.Value == 1
	case SettingNoRFC7540Priorities:
		if a.first {
			a.noPriorities.value = s.Value
		} else if a.noPriorities.set && a.noPriorities.value != s.Value {
			return ruleNoPrioritiesChange
		}
	}
	return nil
}

// acknowledge applies an acknowledgement of direction d, and returns the SETTINGS of the
// other side that it acknowledges.
func (a *settings) acknowledge(d Direction) params { return a[d.other()].acknowledge() }

// lost says that a SETTINGS frame or acknowledgement of direction d may be lost.
func (a *settings) lost(d Direction) {
	a[d].lose()
	a[d.other()].loseAcks()
}

// most returns the laxest value for frames of direction d now. The other side announces
// it.
func (a *settings) most(d Direction, id SettingID) (value uint32, known bool) {
	return a[d.other()].most(id)
}

// longestBlock bounds a field block of direction d, and the header list in it.
func (a *settings) longestBlock(d Direction) int {
	agreed, known := a.most(d, SettingMaxHeaderListSize)
	if !known {
		return defaultBlock
	}
	return int(min(max(agreed, leastBlock), maxBlock))
}
