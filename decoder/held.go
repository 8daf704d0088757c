package decoder

import "h2trace/decoder/ktime"

// held keeps bytes that cannot be decoded yet, with their times.
type held struct {
	base  int64 // offset of buf[0] since holding began
	buf   []byte
	marks []mark
}

// mark gives the time of the bytes from offset off on.
type mark struct {
	off int64
	at  ktime.Time
}

func (q *held) end() int64 { return q.base + int64(len(q.buf)) }

// add appends bytes. Times beyond maxMarks are merged into the last.
func (q *held) add(at ktime.Time, b []byte) {
	n := len(q.marks)
	if n == 0 || (q.marks[n-1].at != at && n < maxMarks) {
		q.marks = append(q.marks, mark{q.end(), at})
	}
	q.buf = append(q.buf, b...)
}

// latest returns the time of the last bytes, 0 where there are none.
func (q *held) latest() ktime.Time {
	if len(q.marks) == 0 {
		return 0
	}
	return q.marks[len(q.marks)-1].at
}

// drop removes the bytes before off.
func (q *held) drop(off int64) {
	n := copy(q.buf, q.buf[off-q.base:])
	q.buf, q.base = q.buf[:n], off
	first := 0
	for first+1 < len(q.marks) && q.marks[first+1].off <= off {
		first++
	}
	q.marks = append(q.marks[:0], q.marks[first:]...)
}

// pieces calls f with the bytes from off to limit, split where the time changes.
func (q *held) pieces(off, limit int64, f func(at ktime.Time, b []byte)) {
	for i, m := range q.marks {
		end := limit
		if i+1 < len(q.marks) {
			end = min(limit, q.marks[i+1].off)
		}
		if start := max(off, m.off, q.base); start < end {
			f(m.at, q.buf[start-q.base:end-q.base])
		}
	}
}
