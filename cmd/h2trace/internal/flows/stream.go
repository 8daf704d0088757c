package flows

import (
	"slices"
	"time"

	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
)

const (
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
	tcp.Numbers
	next        uint64     // all before it came, or were given up
	early       []span     // that came after it, in order
	owed        ktime.Time // since when bytes are acknowledged that did not come, 0 if there are none
	unsure      bool       // the peer may have had bytes before the first one
	segments    uint32
	again       uint32 // of them, with payload that was seen
	overtaken   uint32 // of them, after a hole
	records     uint64
	lostRecords uint32
	lostBytes   uint64
}

type span struct{ from, to uint64 }

// rebase makes an offset the first one.
func (s *stream) rebase(to uint64) {
	s.Rebase(to)
	s.next -= min(to, s.next)
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
	s.Sent(to)
	s.next = s.Reach()
}

// add takes a part of the stream. It reports whether all of it came before.
func (s *stream) add(from, to uint64) (known bool) {
	if s.has(from, to) {
		s.again++
		return true
	}
	s.Sent(to)
	if from <= s.next {
		s.next = max(s.next, to)
		s.join()
		s.GoesOn()
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
	acked := s.Acked()
	switch {
	case len(s.early) > maxEarly || s.Reach() > s.next+maxEarlyBytes && len(s.early) > 0:
		return s.early[0].from
	case acked <= s.next:
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

// rest returns up to where bytes are missing of a stream that is over.
func (s *stream) rest() uint64 {
	if len(s.early) > 0 {
		return s.early[0].from
	}
	return max(s.Acked(), s.End())
}

// giveUp passes over what is missing before an offset, and returns how many bytes that are.
func (s *stream) giveUp(to uint64) uint64 {
	missing := to - s.next
	s.next, s.owed = to, 0
	s.Sent(to)
	s.join()
	return missing
}
