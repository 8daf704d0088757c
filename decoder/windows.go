package decoder

// windows keeps the flow-control windows of a connection and of its streams (RFC 9113
// §6.9): by its frames, and by samples where frames are missing.
type windows struct {
	credits
	history  *windowHistory // nil if the windows were always known
	settings *settings
	streams  *streams
}

// fromStart sets the windows that every connection begins with.
func (w *windows) fromStart() {
	w.credits.fromStart()
	w.history = nil
}

// lost makes windows unknown that frames in lost bytes of d may have changed.
func (w *windows) lost(d Direction) {
	w.forget()
	w.recovering()
	w.settingsLost(d)
}

// settingsLost makes windows unknown after settings.lost(d).
func (w *windows) settingsLost(d Direction) {
	// The SETTINGS of d govern the other direction.
	if d == Recv {
		w.initial[Send] = Credit{}
	}
	w.unsure()
}

// unsure makes the initial window of received DATA unknown if the SETTINGS that govern it
// are unknown.
func (w *windows) unsure() {
	if w.settings[Send].unsure {
		w.initial[Recv] = Credit{}
	}
}

// apply applies parameters that direction d announces or acknowledges. The peer's
// INITIAL_WINDOW_SIZE takes effect when the process reads it, that of the process when the
// peer acknowledges it.
func (w *windows) apply(d Direction, ack bool, p params) *Violation {
	if !ack {
		w.unsure()
	}
	initial := p[SettingInitialWindowSize]
	switch {
	case !initial.set || d == Send:
		return nil
	case ack:
		return w.setInitial(Recv, initial.value)
	}
	return w.setInitial(Send, initial.value)
}

// slack returns the credit that a stream may have in addition, because direction d may
// apply a SETTINGS frame before its acknowledgement.
func (w *windows) slack(d Direction) int64 {
	if d == Send {
		return 0 // applied when read
	}
	most, known := w.settings.most(d, SettingInitialWindowSize)
	if !known {
		return 0
	}
	return max(0, int64(most)-w.initial[Recv].Bytes)
}

// data takes the payload of a DATA frame from the credit of a direction.
func (w *windows) data(d Direction, s *stream, n int64) *Violation {
	return w.spend(d, s, n, w.slack(d))
}

// update gives credit to the other direction (RFC 9113 §6.9).
func (w *windows) update(d Direction, f *Frame, s *stream) *Violation {
	to := d.other()
	switch {
	case f.Truncated && f.StreamID == 0:
		w.conn[to] = Credit{}
	case f.Truncated && s != nil:
		s.known[to] = false
	case f.Length != 4 || f.Increment == 0:
	case f.StreamID == 0:
		return w.grantConn(to, int64(f.Increment))
	case s != nil:
		return w.grantStream(to, s, int64(f.Increment))
	case w.streams.known && w.streams.recall(f.StreamID) == nil && w.streams.idle(f.StreamID):
		return ruleIdle
	}
	return nil
}
