package decoder

// credits keeps the flow-control windows of one connection (RFC 9113 §6.9).
// A direction's credit is the number of bytes that may still be sent that way.
//
// A stream's credit is stored as its distance from the initial window, so that
// a change of INITIAL_WINDOW_SIZE moves all streams at once (§6.9.2) and costs
// the same with one stream and with ten thousand.
type credits struct {
	conn    [2]Credit
	initial [2]Credit
	// raised holds the streams that a higher initial window may make overflow.
	raised [2]raised
}

// fromStart sets the windows that every connection begins with.
func (w *credits) fromStart() {
	for d := range w.conn {
		w.conn[d] = Credit{Bytes: defaultWindow, Known: true}
		w.initial[d] = Credit{Bytes: defaultWindow, Known: true}
	}
}

// stream returns the credit of s in direction d; s may be nil.
func (w *credits) stream(s *stream, d Direction) Credit {
	if s == nil || !s.known[d] || !w.initial[d].Known {
		return Credit{}
	}
	return Credit{Bytes: w.initial[d].Bytes + s.distance[d], Known: true}
}

// snapshot returns the credits left on the connection and on s.
func (w *credits) snapshot(s *stream) Window {
	return Window{
		ConnSend:   w.conn[Send],
		ConnRecv:   w.conn[Recv],
		StreamSend: w.stream(s, Send),
		StreamRecv: w.stream(s, Recv),
	}
}

// spend takes the payload of a DATA frame, padding included (§6.9.1), from the
// connection and from s, which is nil if the stream is not followed. slack is the credit
// that an unacknowledged SETTINGS frame may add.
func (w *credits) spend(d Direction, s *stream, n, slack int64) *Violation {
	var broken *Violation
	// An empty frame may be sent without credit (§6.9).
	if n > 0 {
		if c := w.stream(s, d); c.Known && n > c.Bytes+slack {
			broken = ruleStreamCredit
		}
		if w.conn[d].Known && n > w.conn[d].Bytes {
			broken = ruleConnCredit
		}
	}
	if w.conn[d].Known {
		w.conn[d].Bytes -= n
	}
	if s != nil {
		s.distance[d] -= n
	}
	return broken
}

// grantConn adds a WINDOW_UPDATE of stream 0. It does not apply an increment that
// overflows: the endpoint that receives it ends the connection.
func (w *credits) grantConn(d Direction, n int64) *Violation {
	c := &w.conn[d]
	if !c.Known {
		return nil
	}
	if c.Bytes+n > maxWindow {
		return ruleWindowOverflow
	}
	c.Bytes += n
	return nil
}

// grantStream adds a WINDOW_UPDATE to s, with the same rule.
func (w *credits) grantStream(d Direction, s *stream, n int64) *Violation {
	if c := w.stream(s, d); c.Known && c.Bytes+n > maxWindow {
		return ruleWindowOverflow
	}
	s.distance[d] += n
	w.raised[d].raise(s)
	return nil
}

// setInitial applies an INITIAL_WINDOW_SIZE to all streams. The windows may become
// negative (§6.9.2).
func (w *credits) setInitial(d Direction, n uint32) *Violation {
	w.initial[d] = Credit{Bytes: int64(n), Known: true}
	if int64(n)+w.raised[d].highest() > maxWindow {
		return ruleInitialOverflow
	}
	return nil
}

// drop forgets a stream that is not followed any more.
func (w *credits) drop(s *stream) {
	for d := range w.raised {
		w.raised[d].drop(s)
	}
}

// dropAll forgets all streams.
func (w *credits) dropAll() { w.raised = [2]raised{Send: {dir: Send}, Recv: {dir: Recv}} }

// forget makes the connection's windows unknown after a loss, and forgets all streams.
func (w *credits) forget() {
	w.conn = [2]Credit{}
	w.dropAll()
}
