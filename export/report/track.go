package report

import (
	"cmp"
	"slices"
	"time"
)

// piece is a piece of the critical path of a run.
type piece struct {
	begin, end wallTime
	part       int
	event      int64 // as in a span
}

// maxPieces bounds the pieces of a run that are kept. Beyond it, short ones are joined to those
// before them.
const maxPieces = 1 << 14

// track records a critical path, as pieces. A nil *track records nothing.
type track struct {
	list   []piece
	joined int64
}

// span takes the part of a span between two times.
func (t *track) span(s *span, from, to wallTime) {
	if t == nil {
		return
	}
	at := s.begin
	for part, n := range s.parts {
		end := min(at.add(max(n, 0)), s.end)
		t.add(piece{max(at, from), min(end, to), part, s.event})
		at = end
	}
	t.add(piece{max(at, from), min(s.end, to), partOther, s.event})
}

// rest takes the time between two that is in no span. Where others are served, the process
// works.
func (t *track) rest(from, to wallTime, part int, serving []interval) {
	if t == nil {
		return
	}
	if part == partIdle {
		first, _ := slices.BinarySearchFunc(serving, from, func(i interval, at wallTime) int { return cmp.Compare(i.end, at) })
		for _, i := range serving[first:] {
			begin, end := max(from, i.begin), min(to, i.end)
			if begin >= end {
				break
			}
			t.add(piece{from, begin, part, 0})
			t.add(piece{begin, end, partOther, 0})
			from = end
		}
	}
	t.add(piece{from, to, part, 0})
}

func (t *track) add(p piece) {
	if p.begin >= p.end {
		return
	}
	if t.list = append(t.list, p); len(t.list) >= 2*maxPieces {
		t.thin()
	}
}

// thin joins every second one of the shorter half to the one just before it. The longer of the two
// names both.
func (t *track) thin() {
	t.sort()
	lengths := make([]time.Duration, len(t.list))
	for i, p := range t.list {
		lengths[i] = p.length()
	}
	slices.Sort(lengths)
	median := lengths[len(lengths)/2]
	kept, joined := t.list[:1], false
	for _, p := range t.list[1:] {
		last := &kept[len(kept)-1]
		if joined = !joined && last.end == p.begin && p.length() <= median; !joined {
			kept = append(kept, p)
			continue
		}
		t.joined++
		if p.length() > last.length() {
			p.begin = last.begin
			*last = p
		}
		last.end = p.end
	}
	t.list = kept
}

func (p *piece) length() time.Duration { return p.end.sub(p.begin) }

func (t *track) sort() {
	slices.SortFunc(t.list, func(a, b piece) int { return cmp.Compare(a.begin, b.begin) })
}

// pieces returns them in their order.
func (t *track) pieces() []piece {
	for len(t.list) > maxPieces {
		t.thin()
	}
	t.sort()
	return t.list
}
