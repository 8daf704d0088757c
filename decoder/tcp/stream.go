package tcp

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/tcpassembly"
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

// Sink takes the bytes of a Stream in order. Calls come from inside its methods;
// they may call those of other Streams, of the same Assembler too.
type Sink interface {
	// Data is called for the next bytes. at is when the last of them came, or
	// those that were missing before them. b is not to be kept.
	Data(at int64, b []byte)
	// Missing is called in the place of n bytes that will not come.
	Missing(at int64, n uint64, why Cause)
}

// Stream is one direction of a connection. The zero value is one of which
// nothing was seen. It is not safe for concurrent use.
type Stream struct {
	next    uint64
	leftOut uint64
	begun   bool
	flow    gopacket.Flow
	ahead   []span // of what is held, in order and apart

	// Of the call under way.
	at      int64
	sink    Sink
	ready   []piece // from gopacket, to be handed on
	missing uint64  // that is not reported yet
	why     Cause
}

// span is a part of a stream.
type span struct{ from, to uint64 }

// piece is a part of a stream as gopacket gives it.
type piece struct {
	skipped uint64 // before it
	b       []byte
	holds   Cause
}

// LeaveOut says that segments which end before a place may not be reported.
func (s *Stream) LeaveOut(before uint64) { s.leftOut = before }

// Segment takes a segment that lies at off. b is not kept. lost says that others
// were lost before it.
func (s *Stream) Segment(at int64, off uint64, b []byte, lost bool, a *Assembler, sink Sink) {
	if len(b) == 0 {
		return
	}
	s.begin(at, off, lost, a, sink)
	s.hold(span{off, off + uint64(len(b))})
	s.segment(off, b, data, a)
	s.report()
}

// Skip takes n bytes at off that were seen and are left out on purpose. They
// have their place among the segments, like those that are there.
func (s *Stream) Skip(at int64, off, n uint64, lost bool, a *Assembler, sink Sink) {
	if n == 0 {
		return
	}
	s.begin(at, off, lost, a, sink)
	s.hold(span{off, off + n})
	for n > 0 {
		b := nothing[:min(n, uint64(len(nothing)))]
		s.segment(off, b, LeftOut, a)
		off, n = off+uint64(len(b)), n-uint64(len(b))
	}
	s.report()
}

// begin is called before anything is put at off.
func (s *Stream) begin(at int64, off uint64, lost bool, a *Assembler, sink Sink) {
	s.at, s.sink = at, sink
	if !s.begun {
		s.begun = true
		a.enter(s)
	}
	if off > s.next && (lost || off < s.leftOut) {
		s.fill(off, Lost, a)
	}
}

// Flush gives up on what is missing: nothing more will come.
func (s *Stream) Flush(at int64, a *Assembler, sink Sink) {
	if !s.begun {
		return
	}
	s.at, s.sink = at, sink
	if n := len(s.ahead); n > 0 {
		s.fill(s.ahead[n-1].to, Overrun, a)
	}
	s.report()
	a.leave(s)
	s.begun = false
}

// Drop ends a Stream of which nothing more is wanted.
func (s *Stream) Drop(a *Assembler) {
	if s.begun {
		a.leave(s)
		*s = Stream{next: s.next}
	}
}

func (s *Stream) segment(off uint64, b []byte, holds Cause, a *Assembler) {
	t := &layers.TCP{Seq: uint32(off)}
	t.Payload = b
	a.put(s, t, holds)
	s.handOn()
}

// nothing stands in for bytes that are missing.
var nothing [64 << 10]byte

// fill gives up on the bytes before a place that are missing. gopacket passes
// over a hole only when it holds too much, so each is filled.
func (s *Stream) fill(to uint64, why Cause, a *Assembler) {
	for s.next < to {
		end := to
		if len(s.ahead) > 0 {
			end = min(to, s.ahead[0].from)
		}
		cause := why
		if end < s.leftOut {
			cause = LeftOut
		}
		if len(s.ahead) == 0 { // a whole body, maybe
			s.lack(end-s.next, cause)
			a.leave(s)
			s.next = end
			a.enter(s)
			return
		}
		s.segment(s.next, nothing[:min(end-s.next, uint64(len(nothing)))], cause, a)
	}
}

// hold enters what gopacket is about to hold.
func (s *Stream) hold(h span) {
	i, _ := slices.BinarySearchFunc(s.ahead, h.from, func(o span, from uint64) int { return cmp.Compare(o.to, from) })
	j := i
	for ; j < len(s.ahead) && s.ahead[j].from <= h.to; j++ {
		h.from, h.to = min(h.from, s.ahead[j].from), max(h.to, s.ahead[j].to)
	}
	s.ahead = slices.Replace(s.ahead, i, j, h)
}

// Reassembled implements tcpassembly.Stream. gopacket is in the middle of its
// work then, and what a sink does may come back to it; so nothing is handed on
// yet. The first bytes may be those of the segment itself, others are in memory
// that it uses again.
func (s *Stream) Reassembled(list []tcpassembly.Reassembly) {
	for i, r := range list {
		p := piece{skipped: uint64(max(r.Skip, 0)), b: r.Bytes, holds: Cause(r.Seen.Unix())}
		if p.skipped == 0 && len(p.b) == 0 {
			continue
		}
		if p.holds == data && (i > 0 || p.skipped > 0) {
			p.b = bytes.Clone(p.b)
		}
		s.ready = append(s.ready, p)
	}
}

// handOn hands on what gopacket has put in order.
func (s *Stream) handOn() {
	for i := range s.ready {
		p := &s.ready[i]
		if p.skipped > 0 {
			s.next += p.skipped
			s.lack(p.skipped, Overrun)
		}
		n := uint64(len(p.b))
		s.next += n
		switch {
		case n == 0:
		case p.holds != data:
			s.lack(n, p.holds)
		default:
			s.report()
			s.sink.Data(s.at, p.b)
		}
	}
	clear(s.ready)
	s.ready = s.ready[:0]
	known := slices.IndexFunc(s.ahead, func(o span) bool { return o.to > s.next })
	if known < 0 {
		s.ahead = s.ahead[:0]
	} else {
		s.ahead = slices.Delete(s.ahead, 0, known)
	}
}

// ReassemblyComplete implements tcpassembly.Stream.
func (s *Stream) ReassemblyComplete() {}

// lack counts bytes that will not come.
func (s *Stream) lack(n uint64, why Cause) {
	if s.why != why {
		s.report()
	}
	s.missing, s.why = s.missing+n, why
}

// report tells of the bytes that will not come.
func (s *Stream) report() {
	if n := s.missing; n > 0 {
		s.missing = 0
		s.sink.Missing(s.at, n, s.why)
	}
}
