package decoder

import (
	"slices"

	"h2trace/decoder/ktime"
)

// snapshots are the recovered header tables for later blocks of a direction.
type snapshots struct {
	due    []dueSnapshot // their place is reached, or they have none
	placed []Snapshot    // their place is not reached
}

// dueSnapshot is a Snapshot whose frame is among the next bytes.
type dueSnapshot struct {
	Snapshot
	// within is the number of next bytes in which the frame ends, if a place names
	// it. If only its beginning is known, its header shows that number.
	within   int64
	header   [frameHeaderLen]byte
	gathered int
}

func (q *snapshots) clear() { *q = snapshots{} }

func (q *snapshots) empty() bool { return len(q.due)+len(q.placed) == 0 }

// add adds a snapshot, and drops the oldest beyond maxSnapshots.
func (q *snapshots) add(s Snapshot) {
	if len(q.due)+len(q.placed) == maxSnapshots {
		if len(q.due) > 0 {
			q.due = append(q.due[:0], q.due[1:]...)
		} else {
			q.placed = append(q.placed[:0], q.placed[1:]...)
		}
	}
	if s.StreamID != 0 {
		q.due = append(q.due, dueSnapshot{Snapshot: s})
		return
	}
	q.placed = append(q.placed, s)
}

// lose drops the snapshots whose frame may lie in the n lost bytes from a place on; all of
// them for an unknown number.
func (q *snapshots) lose(place, n int64) {
	q.due = nil
	q.placed = slices.DeleteFunc(q.placed, func(s Snapshot) bool { return n < 0 || s.From < place+n })
}

// arrive makes due the snapshots whose place the direction has reached, and drops those
// that it has passed: their frame is not among the bytes left out.
func (c *Conn) arrive(at ktime.Time, h *side) {
	q := &h.blocks.snapshots
	arrived := func(s Snapshot) bool { return s.From <= h.at }
	if !slices.ContainsFunc(q.placed, arrived) {
		return
	}
	if h.mode == starting {
		c.startLost(at, h)
	}
	placed := q.placed[:0]
	for _, s := range q.placed {
		switch {
		case h.at < s.From:
			placed = append(placed, s)
		case h.at == s.From, h.at < s.To:
			if h.mode == ignoring || h.blocks.table.complete {
				continue
			}
			q.due = append(q.due, dueSnapshot{Snapshot: s, within: max(0, s.To-h.at)})
		}
	}
	q.placed = placed
}

// complete reports whether the frame must have ended by now.
func (s *dueSnapshot) complete() bool { return s.To != 0 && s.within <= 0 }

// isOf reports whether a frame that ends at a place is on the stream of a snapshot, or
// in its place.
func (s *dueSnapshot) isOf(fh frameHeader, end int64) bool {
	switch {
	case s.StreamID != 0:
		return s.StreamID == fh.stream
	case s.gathered > 0: // only its beginning is known
		return end-int64(fh.length)-frameHeaderLen == s.From
	}
	return s.From < end && end <= s.To
}

// reach returns how many of n bytes after place at to take at once. It stops at the
// beginning and the end of a snapshot, and after the header of its frame.
func (q *snapshots) reach(at int64, n int) int {
	for i := range q.placed {
		if s := &q.placed[i]; s.From > at {
			n = int(min(int64(n), s.From-at))
		}
	}
	for i := range q.due {
		switch s := &q.due[i]; {
		case s.StreamID != 0:
		case s.within > 0:
			n = int(min(int64(n), s.within))
		default:
			n = min(n, frameHeaderLen-s.gathered)
		}
	}
	return n
}

// near accounts for the n bytes b after place at, before they are taken. b is nil for
// bytes left out.
func (q *snapshots) near(at, n int64, b []byte) {
	for i := range q.due {
		s := &q.due[i]
		switch {
		case s.StreamID != 0:
		case s.within > 0:
			s.within -= n
		case b != nil:
			s.gathered += copy(s.header[s.gathered:], b)
			if s.gathered == frameHeaderLen && Type(s.header[3]) == TypeHeaders {
				s.within = int64(parseHeader(s.header[:]).length)
				s.To = at + n + s.within
			}
		}
	}
}

// expire drops the snapshots whose frame was not among the bytes taken, and makes others
// due.
func (c *Conn) expire(at ktime.Time, h *side) {
	q := &h.blocks.snapshots
	if q.empty() {
		return
	}
	due := q.due[:0]
	for _, s := range q.due {
		if s.StreamID != 0 || s.within > 0 || s.To == 0 && s.gathered < frameHeaderLen {
			due = append(due, s)
		}
	}
	q.due = due
	if len(q.placed) > 0 {
		c.arrive(at, h)
	}
}
