package tcp

import "h2trace/decoder/ktime"

// Cause says why bytes are missing.
type Cause uint8

// The causes. LeftOut: nobody wanted the bytes. Lost: the observer lost them.
// Overrun: more bytes came after them than a Stream holds.
const (
	LeftOut Cause = iota
	Lost
	Overrun
)

// String returns the cause in words.
func (c Cause) String() string {
	switch c {
	case LeftOut:
		return "left out"
	case Lost:
		return "lost"
	case Overrun:
		return "overrun"
	}
	return "unknown"
}

// Sink receives the bytes of a Stream in order. The methods of the Stream call it;
// it may call other Streams, also those of the same Budget.
type Sink interface {
	// Data takes the next bytes. at is when the last of them came, or the bytes
	// missing before them. It must not keep b.
	Data(at ktime.Time, b []byte)
	// Missing takes a hole: n bytes that will not come.
	Missing(at ktime.Time, n uint64, why Cause)
}

// Stream reassembles one direction of a connection. The zero value is ready to use.
// It is not safe for concurrent use.
type Stream struct {
	next    uint64 // offset of the first byte that is not reported yet
	leftOut uint64
	early   queue // pieces that came before the byte at next
	holes   uint64
	unsure  bool // segments were lost, or may have been left out
}

// Holes returns how often a segment came after a missing one that no segment before had
// shown to be missing. ok is false if not all segments were seen.
func (s *Stream) Holes() (holes uint64, ok bool) { return s.holes, !s.unsure }

// LeaveOut says that the caller may not report segments that end before an offset.
func (s *Stream) LeaveOut(before uint64) {
	s.leftOut = before
	s.unsure = s.unsure || before > s.next
}

// Segment takes a segment at offset off. It does not keep b. lost says that the
// observer lost segments before it.
func (s *Stream) Segment(at ktime.Time, off uint64, b []byte, lost bool, budget *Budget, sink Sink) {
	if len(b) > 0 {
		s.add(piece{off, off + uint64(len(b)), b, mark{}}, lost, budget, outputTo(at, sink))
	}
}

// Pass takes a part of the stream, n bytes at offset off, that the caller left out of a
// segment. lost says that the observer lost segments before it.
func (s *Stream) Pass(at ktime.Time, off, n uint64, lost bool, budget *Budget, sink Sink) {
	if n > 0 {
		s.add(piece{off, off + n, nil, mark{}}, lost, budget, outputTo(at, sink))
	}
}

// Flush gives up on all missing bytes: no more segments will come.
func (s *Stream) Flush(at ktime.Time, budget *Budget, sink Sink) {
	out := outputTo(at, sink)
	for len(s.early.pieces) > 0 {
		s.giveUp(s.early.pieces[0].from, Overrun, budget, out)
	}
	out.report()
}

// GiveUp gives up on the bytes that are missing before an offset, as the observer lost them.
func (s *Stream) GiveUp(at ktime.Time, before uint64, budget *Budget, sink Sink) {
	if before > s.next {
		s.unsure = true
		out := outputTo(at, sink)
		s.giveUp(before, Lost, budget, out)
		out.report()
	}
}

// Next returns the offset of the first byte that is neither reported nor given up.
func (s *Stream) Next() uint64 { return s.next }

// Drop ends a Stream and reports nothing more.
func (s *Stream) Drop(budget *Budget) { s.early.drop(budget) }

// add reports a piece, or holds it.
func (s *Stream) add(p piece, lost bool, budget *Budget, out *output) {
	if lost || p.from < s.leftOut {
		s.unsure = s.unsure || lost
		s.giveUp(p.from, Lost, budget, out)
	}
	if p.from <= s.next {
		s.handOn(p, out)
		s.handOnEarly(budget, out)
	} else {
		if p.from > s.early.reach(s.next) {
			s.holes++
		}
		s.early.put(p, budget)
		for s.early.over(budget) {
			s.giveUp(s.early.pieces[0].from, Overrun, budget, out)
		}
	}
	out.report()
}

// giveUp skips the missing bytes before an offset.
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
		out.lack(n, cause, mark{})
		s.handOnEarly(budget, out)
	}
}

// handOnEarly reports the held pieces up to the next hole.
func (s *Stream) handOnEarly(budget *Budget, out *output) {
	for {
		p, ok := s.early.take(s.next, budget)
		if !ok {
			return
		}
		s.handOn(p, out)
	}
}

// handOn reports the new bytes of a piece, which begins at or before next.
func (s *Stream) handOn(p piece, out *output) {
	if p.to <= s.next {
		return
	}
	p = p.after(s.next)
	s.next = p.to
	if p.b == nil {
		out.lack(p.to-p.from, LeftOut, p.mark)
		return
	}
	out.report()
	out.marks(p.mark)
	out.sink.Data(out.at, p.b)
}

// output collects what one call reports. It joins adjacent holes.
type output struct {
	at      ktime.Time
	sink    Sink
	side    *side  // the sink, if it is one of a Conn
	missing uint64 // bytes not reported yet
	why     Cause
	mark    mark // of them
}

func outputTo(at ktime.Time, sink Sink) *output {
	own, _ := sink.(*side)
	return &output{at: at, sink: sink, side: own}
}

// lack counts bytes that will not come.
func (o *output) lack(n uint64, why Cause, m mark) {
	if o.why != why {
		o.report()
	}
	o.missing, o.why = o.missing+n, why
	o.mark = mark{max(o.mark.acked, m.acked), max(o.mark.came, m.came)}
}

// report reports the counted bytes as a hole.
func (o *output) report() {
	if n := o.missing; n > 0 {
		o.marks(o.mark)
		o.missing, o.mark = 0, mark{}
		o.sink.Missing(o.at, n, o.why)
	}
}

// marks says what of the bytes that are reported next.
func (o *output) marks(m mark) {
	if o.side != nil {
		o.side.now = m
	}
}
