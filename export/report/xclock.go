package report

import "time"

// stamps is the clock of a log whose lines a build service wrote times before.
type stamps struct {
	first   wallTime
	now     time.Duration // since the first
	lines   int64         // with a time
	covered []period      // in which something was under way, disjoint and in order
}

// period is a time from one to another.
type period struct{ begin, end time.Duration }

// maxCovered bounds the periods. Beyond it, what is in a gap before the older half does not
// count.
const maxCovered = 1 << 12

// read takes the time of a line. The clock does not go back.
func (s *stamps) read(x *xline) {
	if x.at == 0 {
		return
	}
	if s.lines++; s.first == 0 {
		s.first = x.at
	}
	s.now = max(s.now, x.at.sub(s.first))
}

// cover takes a period, and returns how much of it is new. Periods come in the order of
// their ends.
func (s *stamps) cover(begin, end time.Duration) time.Duration {
	added := period{max(begin, 0), end}
	var known time.Duration
	for len(s.covered) > 0 {
		last := s.covered[len(s.covered)-1]
		if last.end < added.begin {
			break
		}
		known += last.end - max(last.begin, added.begin)
		added.begin = min(added.begin, last.begin)
		s.covered = s.covered[:len(s.covered)-1]
	}
	if len(s.covered) == maxCovered {
		s.covered = append(s.covered[:0], s.covered[maxCovered/2:]...)
	}
	s.covered = append(s.covered, added)
	return max(0, end-max(begin, 0)-known)
}
