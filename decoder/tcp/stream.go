package tcp

import "h2trace/decoder/ktime"

// Cause is why bytes are missing.
type Cause uint8

// The causes. LeftOut is for bytes that were not wanted, Lost for those that
// the observer lost, and Overrun for those after which more came than is held.
const (
	LeftOut Cause = iota
	Lost
	Overrun
)

// Sink takes the bytes of a Stream in order. Calls come from inside its methods;
// they may call those of other Streams, of the same Budget too.
type Sink interface {
	// Data is called for the next bytes. at is when the last of them came, or
	// those that were missing before them. b is not to be kept.
	Data(at ktime.Time, b []byte)
	// Missing is called in the place of n bytes that will not come.
	Missing(at ktime.Time, n uint64, why Cause)
}

// Stream is one direction of a connection. The zero value is one of which
// nothing was seen. It is not safe for concurrent use.
type Stream struct {
	next    uint64 // the place of the first byte that is not handed on
	leftOut uint64
	early   queue // what came before the byte at next
}

// LeaveOut says that segments which end before a place may not be reported.
func (s *Stream) LeaveOut(before uint64) { s.leftOut = before }

// Segment takes a segment that lies at off. b is not kept. lost says that others
// were lost before it.
func (s *Stream) Segment(at ktime.Time, off uint64, b []byte, lost bool, budget *Budget, sink Sink) {
	if len(b) > 0 {
		s.add(piece{off, off + uint64(len(b)), b}, lost, budget, &output{at: at, sink: sink})
	}
}

// Skip takes n bytes at off that were seen and are left out on purpose. They
// have their place among the segments, like those that are there.
func (s *Stream) Skip(at ktime.Time, off, n uint64, lost bool, budget *Budget, sink Sink) {
	if n > 0 {
		s.add(piece{off, off + n, nil}, lost, budget, &output{at: at, sink: sink})
	}
}

// Flush gives up on what is missing: nothing more will come.
func (s *Stream) Flush(at ktime.Time, budget *Budget, sink Sink) {
	out := &output{at: at, sink: sink}
	for len(s.early.pieces) > 0 {
		s.giveUp(s.early.pieces[0].from, Overrun, budget, out)
	}
	out.report()
}

// Drop ends a Stream of which nothing more is wanted.
func (s *Stream) Drop(budget *Budget) { s.early.drop(budget) }

// add takes a piece: hands it on, or holds it.
func (s *Stream) add(p piece, lost bool, budget *Budget, out *output) {
	if lost || p.from < s.leftOut {
		s.giveUp(p.from, Lost, budget, out)
	}
	if p.from <= s.next {
		s.handOn(p, out)
		s.handOnEarly(budget, out)
	} else {
		s.early.put(p, budget)
		for s.early.over(budget) {
			s.giveUp(s.early.pieces[0].from, Overrun, budget, out)
		}
	}
	out.report()
}

// giveUp passes over the bytes before a place that are missing.
func (s *Stream) giveUp(to uint64, why Cause, budget *Budget, out *output) {
	for s.next < to {
		end := to
		if len(s.early.pieces) > 0 {
			end = min(to, s.early.pieces[0].from)
		}
		cause := why
		if end < s.leftOut {
			cause = LeftOut
		}
		n := end - s.next
		s.next = end
		out.lack(n, cause)
		s.handOnEarly(budget, out)
	}
}

// handOnEarly hands on what is held, up to the next hole.
func (s *Stream) handOnEarly(budget *Budget, out *output) {
	for {
		p, ok := s.early.take(s.next, budget)
		if !ok {
			return
		}
		s.handOn(p, out)
	}
}

// handOn hands on what of a piece is new. It begins at next or before.
func (s *Stream) handOn(p piece, out *output) {
	if p.to <= s.next {
		return
	}
	p = p.after(s.next)
	s.next = p.to
	if p.b == nil {
		out.lack(p.to-p.from, LeftOut)
		return
	}
	out.report()
	out.sink.Data(out.at, p.b)
}

// output is where a call hands on to. It joins holes that follow each other.
type output struct {
	at      ktime.Time
	sink    Sink
	missing uint64 // that is not reported yet
	why     Cause
}

// lack counts bytes that will not come.
func (o *output) lack(n uint64, why Cause) {
	if o.why != why {
		o.report()
	}
	o.missing, o.why = o.missing+n, why
}

// report reports the bytes that will not come.
func (o *output) report() {
	if n := o.missing; n > 0 {
		o.missing = 0
		o.sink.Missing(o.at, n, o.why)
	}
}
