package tcp

import (
	"bytes"
	"cmp"
	"slices"
)

// Cause is why bytes are missing.
type Cause uint8

// The causes. LeftOut is for bytes that were not wanted, Lost for those that
// the observer lost, and Overrun for those that more came behind than is held.
const (
	LeftOut Cause = iota
	Lost
	Overrun
)

// Sink takes the bytes of a Stream in order. Calls come from inside its methods.
type Sink interface {
	// Data is called for the next bytes. at is when the last of them came, or
	// those that were missing before them. b is not to be kept.
	Data(at int64, b []byte)
	// Missing is called in the place of n bytes that will not come.
	Missing(at int64, n uint64, why Cause)
}

// maxHeld bounds the bytes that a Stream holds behind some that are missing:
// what a window may hold while a segment is sent again.
const maxHeld = 4 << 20

// Budget bounds what all Streams of a program hold together.
type Budget struct{ Left int }

// Stream is one direction of a connection. The zero value is one of which
// nothing was seen. It is not safe for concurrent use.
type Stream struct {
	next    uint64
	held    []piece // behind next, by their place
	size    int     // of held
	leftOut uint64
}

// piece is a segment that came too early.
type piece struct {
	off uint64
	b   []byte
}

// Next returns the place of the byte that is next.
func (s *Stream) Next() uint64 { return s.next }

// LeaveOut says that segments which end before a place may not be reported.
func (s *Stream) LeaveOut(before uint64) { s.leftOut = before }

// Segment takes a segment that lies at off. b is not kept. lost says that others
// were lost before it.
func (s *Stream) Segment(at int64, off uint64, b []byte, lost bool, budget *Budget, sink Sink) {
	if off > s.next && !lost && off >= s.leftOut {
		s.hold(off, b, budget)
		for s.size > maxHeld || budget.Left < 0 {
			if len(s.held) == 0 {
				return
			}
			s.pass(at, Overrun, budget, sink)
		}
		return
	}
	if lost { // what is missing before it will not come, or was on its way
		for len(s.held) > 0 && s.held[0].off < off {
			s.pass(at, Lost, budget, sink)
		}
	}
	s.jump(at, off, Lost, sink)
	s.take(at, off, b, sink)
	s.release(at, budget, sink)
}

// Flush gives up on what is missing: nothing more will come.
func (s *Stream) Flush(at int64, budget *Budget, sink Sink) {
	for len(s.held) > 0 {
		s.pass(at, Overrun, budget, sink)
	}
}

// hold keeps a segment until what is before it has come.
func (s *Stream) hold(off uint64, b []byte, budget *Budget) {
	i, again := slices.BinarySearchFunc(s.held, off, func(p piece, off uint64) int { return cmp.Compare(p.off, off) })
	if again && len(s.held[i].b) >= len(b) {
		return
	}
	own := piece{off, bytes.Clone(b)}
	s.size += len(b)
	budget.Left -= len(b)
	if again {
		s.size -= len(s.held[i].b)
		budget.Left += len(s.held[i].b)
		s.held[i] = own
		return
	}
	s.held = slices.Insert(s.held, i, own)
}

// pass gives up on the bytes before the first that are held.
func (s *Stream) pass(at int64, why Cause, budget *Budget, sink Sink) {
	s.jump(at, s.held[0].off, why, sink)
	s.release(at, budget, sink)
}

// jump moves on to off, if that is ahead.
func (s *Stream) jump(at int64, off uint64, why Cause, sink Sink) {
	if off <= s.next {
		return
	}
	n := off - s.next
	if off < s.leftOut {
		why = LeftOut
	}
	s.next = off
	sink.Missing(at, n, why)
}

// take hands on what of a segment is new.
func (s *Stream) take(at int64, off uint64, b []byte, sink Sink) {
	if known := s.next - off; known < uint64(len(b)) {
		s.next += uint64(len(b)) - known
		sink.Data(at, b[known:])
	}
}

// release hands on what is held and next now.
func (s *Stream) release(at int64, budget *Budget, sink Sink) {
	for len(s.held) > 0 && s.held[0].off <= s.next {
		p := s.held[0]
		s.held[0] = piece{}
		s.held = s.held[1:]
		s.size -= len(p.b)
		budget.Left += len(p.b)
		s.take(at, p.off, p.b, sink)
	}
	if len(s.held) == 0 {
		s.held = nil
	}
}
