package tls

import "h2trace/decoder/ktime"

// maxPieces bounds the pieces of a queue. Bytes beyond share the time of the last one, or
// are lost if it is a hole.
const maxPieces = 4096

// queue holds the ciphertext of one direction that is not decoded yet, with its times
// and its holes. Its bytes are those of buf from start on, and after them those of given,
// which is the caller's: most records are opened from there, and never copied.
type queue struct {
	buf    []byte
	start  int
	given  []byte
	pieces []piece // of all bytes, from first on
	first  int
	run    int // bytes before the first hole
	budget *Budget

	offset int64 // of the first byte, or of the hole before it
	end    int64 // offset after the last byte, or after the hole after it
}

// piece is n bytes that came at a time, or a hole in the stream.
type piece struct {
	at   ktime.Time
	n    int
	hole int64 // missing bytes; then n is 0
}

// add appends b. It is the caller's again after keep.
func (q *queue) add(at ktime.Time, b []byte) {
	q.copy(len(q.given))
	if q.whole() {
		q.run += len(b)
	}
	q.given = b
	q.end += int64(len(b))
	q.budget.held += len(b)
	if p := q.last(); p != nil && p.hole == 0 && (p.at == at || len(q.pieces)-q.first >= maxPieces) {
		p.at = at
		p.n += len(b)
		return
	}
	q.push(piece{at: at, n: len(b)})
}

// copy makes the first n of the given bytes its own.
func (q *queue) copy(n int) {
	if n == 0 {
		return
	}
	if q.buf == nil {
		q.buf, q.budget.spare = q.budget.spare, nil
	}
	if q.start > 0 && q.start >= len(q.buf)-q.start {
		q.buf = append(q.buf[:0], q.buf[q.start:]...)
		q.start = 0
	}
	q.buf = append(q.buf, q.given[:n]...)
	q.given = q.given[n:]
}

// addHole appends a hole of n bytes. Among too many pieces, the bytes of the last one
// become part of it.
func (q *queue) addHole(at ktime.Time, n int64) {
	q.copy(len(q.given))
	q.end += n
	p := q.last()
	if p != nil && p.hole == 0 && len(q.pieces)-q.first >= maxPieces {
		if q.whole() {
			q.run -= p.n
		}
		q.buf = q.buf[:len(q.buf)-p.n]
		q.budget.held -= p.n
		n += int64(p.n)
		q.pieces = q.pieces[:len(q.pieces)-1]
		p = q.last()
	}
	if p != nil && p.hole > 0 {
		p.at = at
		p.hole += n
		return
	}
	q.push(piece{at: at, hole: n})
}

func (q *queue) push(p piece) {
	if q.first > 0 && q.first >= len(q.pieces)-q.first {
		q.pieces = append(q.pieces[:0], q.pieces[q.first:]...)
		q.first = 0
	}
	q.pieces = append(q.pieces, p)
}

func (q *queue) last() *piece {
	if q.first == len(q.pieces) {
		return nil
	}
	return &q.pieces[len(q.pieces)-1]
}

// len returns the number of bytes.
func (q *queue) len() int { return len(q.buf) - q.start + len(q.given) }

// ready returns at least n of the bytes before the first hole, or all if they are fewer.
// They are valid until the next call of ready, take or add.
func (q *queue) ready(n int) []byte {
	own := len(q.buf) - q.start
	if own == 0 {
		return q.given[:min(q.run, len(q.given))]
	}
	if n = min(n, q.run); n > own {
		q.copy(n - own)
		own = n
	}
	return q.buf[q.start : q.start+min(q.run, own)]
}

// whole reports whether there is no hole.
func (q *queue) whole() bool {
	p := q.last()
	return q.run == q.len() && (p == nil || p.hole == 0)
}

// take removes the first n of the ready bytes. It returns them, valid as those of ready,
// and when the last of them came. own says that they are not the caller's.
func (q *queue) take(n int) (b []byte, at ktime.Time, own bool) {
	b = q.ready(n)[:n]
	if own = q.start < len(q.buf); own {
		q.start += n
	} else {
		q.given = q.given[n:]
	}
	return b, q.advance(n), own
}

// pass removes the first n of the ready bytes, and returns when the last of them came.
func (q *queue) pass(n int) (at ktime.Time) {
	own := min(n, len(q.buf)-q.start)
	q.start += own
	q.given = q.given[n-own:]
	return q.advance(n)
}

// advance removes the first n bytes from the pieces, and returns when the last of them
// came.
func (q *queue) advance(n int) (at ktime.Time) {
	q.run -= n
	q.offset += int64(n)
	q.budget.held -= n
	for n > 0 {
		p := &q.pieces[q.first]
		at = p.at
		took := min(n, p.n)
		p.n -= took
		n -= took
		if p.n == 0 {
			q.first++
		}
	}
	if q.first == len(q.pieces) {
		q.clear()
	}
	return at
}

// hole returns the length of the hole after the ready bytes, 0 if there is none.
func (q *queue) hole() int64 {
	if q.whole() {
		return 0
	}
	for _, p := range q.pieces[q.first:] {
		if p.hole > 0 {
			return p.hole
		}
	}
	return 0
}

// takeHole removes the ready bytes and the hole after them, and returns when bytes came
// after it, or it was noticed.
func (q *queue) takeHole() (at ktime.Time) {
	if q.run > 0 {
		q.pass(q.run)
	}
	at = q.pieces[q.first].at
	q.offset += q.pieces[q.first].hole
	q.first++
	for _, p := range q.pieces[q.first:] {
		if p.hole > 0 {
			break
		}
		q.run += p.n
	}
	if q.first == len(q.pieces) {
		q.clear()
	}
	return at
}

// clear empties the queue, and keeps its memory.
func (q *queue) clear() {
	q.budget.held -= q.len()
	q.buf, q.start, q.given, q.run = q.buf[:0], 0, nil, 0
	q.pieces, q.first = q.pieces[:0], 0
}

// skip takes n bytes that are not kept. The queue is empty.
func (q *queue) skip(n int64) {
	q.offset += n
	q.end += n
}

// keep makes all bytes its own. An empty queue gives its memory to the next one that
// needs some: nobody uses bytes that were taken from it any more.
func (q *queue) keep() {
	q.copy(len(q.given))
	if q.len() > 0 {
		return
	}
	if cap(q.buf) > cap(q.budget.spare) {
		q.budget.spare = q.buf[:0]
	}
	q.buf, q.start = nil, 0
}

// drop empties the queue and frees its memory. It returns the number of bytes that it
// held, those of holes included.
func (q *queue) drop() (n int64) {
	n = int64(q.len())
	for _, p := range q.pieces[q.first:] {
		n += p.hole
	}
	q.offset += n
	q.clear()
	q.buf, q.pieces = nil, nil
	return n
}
