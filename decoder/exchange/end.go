package exchange

import (
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Ended says who ended a connection.
type Ended uint8

// The ways in which a connection ends. NotEnded: nobody follows it any longer.
const (
	EndedUnknown Ended = iota
	EndedByPeer
	EndedByProcess
	EndedByNetwork // TCP gave up without an answer
	NotEnded
)

// String returns who ended it: "peer", "process", "network", "nobody", or "unknown".
func (e Ended) String() string {
	switch e {
	case EndedByPeer:
		return "peer"
	case EndedByProcess:
		return "process"
	case EndedByNetwork:
		return "network"
	case NotEnded:
		return "nobody"
	}
	return "unknown"
}

// Close reports the open exchanges when the connection has ended or is not followed any
// longer.
func (t *Tracker) Close(at ktime.Time, by Ended) {
	if t == nil {
		return
	}
	t.settleUpgrade()
	for d := range t.conn {
		t.endConnStall(decoder.Direction(d), at, "close")
	}
	if t.http1 != nil && by != NotEnded {
		t.http1.Close(at)
	}
	for t.all.oldest != nil {
		t.cut(t.all.oldest, at, by)
	}
	if t.http1 != nil {
		t.http1.Release()
	}
}

// Ended says that the connection has ended. A client may still write in vain. The end of
// the connection cut the exchanges that the client gives up then.
func (t *Tracker) Ended(by Ended) {
	if t != nil {
		t.ended, t.by = true, by
	}
}

// fail ends the open exchanges after an error of the connection.
func (t *Tracker) fail(at ktime.Time, c Class, detail string) {
	if t == nil {
		return
	}
	for t.all.oldest != nil {
		o := t.all.oldest
		o.failed(c, detail)
		t.giveUp(o, at, "close")
	}
}

// cut reports an exchange that the end of its connection, or of the observation, ended. If
// it may have ended before, in lost bytes, its error and end are unknown.
func (t *Tracker) cut(o *open, at ktime.Time, by Ended) {
	if o.losses != t.losses {
		t.doubt(o)
	}
	switch {
	case !o.certain():
		t.leave(o, at, "close")
		return
	case by == NotEnded:
		o.Open = true
	case !o.over[t.server()]:
		o.again.gone = !t.byClient(by)
		o.failed(t.endedBy(by))
	}
	t.giveUp(o, at, "close")
}

// giveUp reports an exchange that ended incomplete.
func (t *Tracker) giveUp(o *open, at ktime.Time, by string) {
	o.giveUp(t.client, at)
	t.end(o, at, by)
}

// leave reports an exchange that has ended at an unknown time and in an unknown way.
func (t *Tracker) leave(o *open, by ktime.Time, why string) {
	o.giveUp(t.client, 0)
	t.endStalls(o, by, why)
	t.drop(o)
	t.report(o, 0)
}

// forget reports an exchange whose end is unknown.
func (t *Tracker) forget(o *open) {
	if o.Stream == 0 && o.Status == 0 {
		t.unmet++
	}
	t.remove(o)
	t.report(o, 0)
}

// forgetAll does so for all exchanges, and their responses.
func (t *Tracker) forgetAll() {
	for t.all.oldest != nil {
		t.forget(t.all.oldest)
	}
	t.unmet = 0
}

// end reports an exchange that has ended.
func (t *Tracker) end(o *open, at ktime.Time, by string) {
	t.endStalls(o, at, by)
	t.drop(o)
	t.report(o, at)
}

// drop removes an ended exchange. It keeps a stream that was joined in the middle, as more
// frames may come.
func (t *Tracker) drop(o *open) {
	t.remove(o)
	if o.Stream != 0 && (o.Start == 0 || o.Stream > t.lastID[o.Stream&1]) {
		if t.missed == nil || len(t.missed) == maxMissed {
			t.missed = make(map[uint32]bool)
		}
		t.missed[o.Stream] = true
	}
}

func (t *Tracker) report(o *open, at ktime.Time) {
	o.End = at
	if t.mixed != nil && !o.over[t.server()] {
		o.Error = t.mixed
	}
	if o.Error == nil {
		o.judge()
	}
	o.order()
	if o.partial || o.skipped {
		o.RequestBytes, o.ResponseBytes = -1, -1
	}
	t.sink.Exchange(&o.Exchange)
}

// endedBy returns the error of an exchange that the end of its connection cut.
func (t *Tracker) endedBy(by Ended) (Class, string) {
	const cut = "connection ended before the response was complete"
	switch byClient := t.byClient(by); {
	case byClient && t.broken[t.server()] != nil:
		return ClassProtocol, t.broken[t.server()].Rule
	case byClient && t.client == decoder.Send && t.rtt.ping != 0:
		return ClassAborted, cut + ": a PING had no answer"
	case byClient:
		return ClassAborted, cut
	case t.goAway != nil:
		return t.goAway.Class, t.goAway.Detail
	case by == EndedByNetwork:
		return ClassTimeout, "the network let nothing through before the response was complete"
	}
	return ClassReset, cut
}

// byClient reports whether the client ended the connection.
func (t *Tracker) byClient(by Ended) bool {
	return by == EndedByProcess && t.client == decoder.Send || by == EndedByPeer && t.client == decoder.Recv
}

// waiting finds requests without a response on a connection that has ended. Of equal
// requests it finds the oldest.
type waiting map[request]*open

type request struct{ method, url string }

// Waits reports whether a sent request has no response yet. The connection must have
// ended.
func (t *Tracker) Waits(method, url string) bool {
	if t == nil {
		return false
	}
	if t.waiting == nil {
		t.waiting = make(waiting)
		for o := t.all.newest; o != nil; o = o.older {
			r := request{o.Method, o.URL}
			o.alike, t.waiting[r] = t.waiting[r], o
		}
	}
	r := request{method, url}
	o := t.waiting[r]
	for ; o != nil; o = o.alike {
		if o.cost > 0 && o.Status == 0 { // open, see pay
			t.waiting[r] = o
			return true
		}
	}
	delete(t.waiting, r)
	return false
}
