package flows

import (
	"slices"
	"time"

	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
	// maxAhead is how far ahead a segment may be and still belong to its stream. A receive
	// window is at most 1 GiB (RFC 7323 §2.3).
	maxAhead = 1 << 30
	// maxEarly and maxEarlyBytes bound the segments that came before an earlier one, less
	// than the engine holds.
	maxEarly      = 256
	maxEarlyBytes = 3 << 20
	// ackGrace is how long after an acknowledgment the bytes that it is for may come: two
	// CPUs may have captured them.
	ackGrace = 50 * time.Millisecond
)

// stream is one direction of a flow.
type stream struct {
	begun       bool
	first       uint32     // sequence number of offset 0
	end         uint64     // offset after the highest byte so far
	next        uint64     // all before it came, or were given up
	early       []span     // that came after it, in order
	acked       uint64     // the highest offset that the peer has acknowledged
	owed        ktime.Time // since when bytes are acknowledged that did not come, 0 if there are none
	segments    uint32
	again       uint32 // of them, with payload that was seen
	overtaken   uint32 // of them, after a hole
	records     uint64
	lostRecords uint32
	lostBytes   uint64
	ended       ktime.Time // of its FIN or RST, 0 before
	fin         uint64     // offset of the FIN, if it was seen
}

type span struct{ from, to uint64 }

// begin takes the first sequence number.
func (s *stream) begin(seq uint32) {
	if !s.begun {
		s.begun, s.first = true, seq
	}
}

// place returns the offset of a sequence number. It reports whether that belongs to the
// stream.
func (s *stream) place(seq uint32) (uint64, bool) {
	at := tcp.Offset(seq, s.first, s.end)
	if at < 0 || at-int64(s.end) > maxAhead {
		return 0, false
	}
	return uint64(at), true
}

// rebase makes an offset the first one.
func (s *stream) rebase(to uint64) {
	s.first += uint32(to)
	s.end, s.next, s.acked = s.end-to, s.next-min(to, s.next), s.acked-min(to, s.acked)
	early := s.early[:0]
	for _, p := range s.early {
		if p.to > to {
			early = append(early, span{p.from - min(to, p.from), p.to - to})
		}
	}
	s.early = early
	s.join()
}

// pass takes that nobody wants the bytes before an offset.
func (s *stream) pass(to uint64) {
	s.end = max(s.end, to)
	s.next = s.end
}

// add takes a part of the stream. It reports whether all of it came before.
func (s *stream) add(from, to uint64) (known bool) {
	if s.has(from, to) {
		s.again++
		return true
	}
	s.end = max(s.end, to)
	if from <= s.next {
		s.next = max(s.next, to)
		s.join()
		if s.acked > s.end { // of more than was sent, it seems: the next one says it again
			s.acked = s.end
		}
		return false
	}
	s.overtaken++
	i, _ := slices.BinarySearchFunc(s.early, from, func(p span, from uint64) int {
		if p.to < from {
			return -1
		}
		return 1
	})
	j := i
	for j < len(s.early) && s.early[j].from <= to {
		from, to = min(from, s.early[j].from), max(to, s.early[j].to)
		j++
	}
	s.early = slices.Replace(s.early, i, j, span{from, to})
	return false
}

// has reports whether a part of the stream came, or was given up.
func (s *stream) has(from, to uint64) bool {
	if to <= s.next {
		return true
	}
	i, _ := slices.BinarySearchFunc(s.early, from, func(p span, from uint64) int {
		if p.to <= from {
			return -1
		}
		return 1
	})
	return i < len(s.early) && s.early[i].from <= from && to <= s.early[i].to
}

// join moves on to the next hole.
func (s *stream) join() {
	n := 0
	for n < len(s.early) && s.early[n].from <= s.next {
		s.next = max(s.next, s.early[n].to)
		n++
	}
	s.early = slices.Delete(s.early, 0, n)
}

// lacks returns up to where bytes are missing that will not come: the peer has them, or too
// many came after them. It returns 0 if there are none.
func (s *stream) lacks(now ktime.Time) uint64 {
	acked := s.ackedBytes()
	switch {
	case len(s.early) > maxEarly || s.end > s.next+maxEarlyBytes && len(s.early) > 0:
		return s.early[0].from
	case !s.begun || acked <= s.next:
		s.owed = 0
	case s.owed == 0, s.owed > now:
		s.owed = now
	case s.owed.Add(ackGrace) < now:
		if len(s.early) > 0 {
			return min(acked, s.early[0].from)
		}
		return acked
	}
	return 0
}

// ackedBytes returns up to where the peer has acknowledged bytes.
func (s *stream) ackedBytes() uint64 {
	switch {
	case s.fin != 0:
		return min(s.acked, s.fin)
	case s.acked == s.end+1: // that may be its FIN
		return s.end
	}
	return s.acked
}

// rest returns up to where bytes are missing of a stream that is over.
func (s *stream) rest() uint64 {
	if len(s.early) > 0 {
		return s.early[0].from
	}
	return max(s.ackedBytes(), s.fin)
}

// giveUp passes over what is missing before an offset, and returns how many bytes that are.
func (s *stream) giveUp(to uint64) uint64 {
	missing := to - s.next
	s.next, s.owed = to, 0
	s.end = max(s.end, to)
	s.join()
	return missing
}
