package decoder

import (
	"bytes"

	"h2trace/decoder/ktime"
)

// waiting holds the calls that a Conn does not decode yet, see Hold.
type waiting struct {
	on      bool
	since   ktime.Time
	list    []call
	bytes   int      // of their payloads
	pending [2]int64 // by direction: their bytes, missing ones included
}

// call is a call that waits.
type call interface {
	// length returns the number of bytes by which the call moves a direction on.
	length() (Direction, int64)
	decode(*Conn)
}

// The waiting calls, each named for its method of Conn.
type (
	dataCall struct {
		at  ktime.Time
		dir Direction
		b   []byte
	}
	skipCall struct {
		at  ktime.Time
		dir Direction
		n   int64
	}
	gapCall struct {
		at  ktime.Time
		dir Direction
		n   int64 // negative: unknown
		// atMost says that some of them may not have been there.
		atMost bool
	}
	missedCall  struct{ dir Direction }
	noteCall    struct{ note any }
	recoverCall struct {
		at    ktime.Time
		dir   Direction
		table Snapshot
	}
)

func (d dataCall) length() (Direction, int64)    { return d.dir, int64(len(d.b)) }
func (s skipCall) length() (Direction, int64)    { return s.dir, s.n }
func (g gapCall) length() (Direction, int64)     { return g.dir, max(0, g.n) }
func (m missedCall) length() (Direction, int64)  { return m.dir, 0 }
func (noteCall) length() (Direction, int64)      { return Send, 0 }
func (r recoverCall) length() (Direction, int64) { return r.dir, 0 }

func (d dataCall) decode(c *Conn)   { c.takeData(d.at, d.dir, d.b) }
func (s skipCall) decode(c *Conn)   { c.takeSkip(s.at, s.dir, s.n) }
func (g gapCall) decode(c *Conn)    { c.takeGap(g) }
func (m missedCall) decode(c *Conn) { c.takeMissed(m.dir) }
func (n noteCall) decode(c *Conn)   { c.noted(n.note) }

// decode drops a table that does not fit.
func (r recoverCall) decode(c *Conn) { _ = c.takeTable(r.at, r.dir, r.table) }

// NoteSink is a Sink that also takes notes.
type NoteSink interface {
	Sink
	Noted(note any)
}

// Hold makes all later calls wait until Release, in their order. Meanwhile Recover can give
// the header table of a block among them, by its place.
func (c *Conn) Hold(at ktime.Time) {
	if w := &c.waiting; !w.on {
		w.on, w.since = true, at
	}
}

// Holds reports whether calls wait.
func (c *Conn) Holds() bool { return c.waiting.on }

// Held returns since when calls wait, and the number of their bytes.
func (c *Conn) Held() (since ktime.Time, bytes int) { return c.waiting.since, c.waiting.bytes }

// Pending returns the number of waiting bytes of a direction, missing ones included.
func (c *Conn) Pending(dir Direction) int64 { return c.waiting.pending[dir] }

// Release decodes the waiting calls.
func (c *Conn) Release() {
	w := &c.waiting
	list := w.list
	w.on, w.list, w.bytes = false, nil, 0
	for _, in := range list {
		dir, n := in.length()
		w.pending[dir] -= n
		in.decode(c)
	}
}

// add keeps a call.
func (w *waiting) add(in call) {
	w.list = append(w.list, in)
	dir, n := in.length()
	w.pending[dir] += n
}

// data keeps a call of Data, with a copy of its bytes.
func (w *waiting) data(at ktime.Time, dir Direction, b []byte) {
	w.add(dataCall{at, dir, bytes.Clone(b)})
	w.bytes += len(b)
}

// Note passes a note to the Sink, if it is a NoteSink, after all calls before it are
// decoded.
func (c *Conn) Note(at ktime.Time, note any) {
	if c.waiting.on {
		c.waiting.add(noteCall{note})
		return
	}
	c.noted(note)
}

func (c *Conn) noted(note any) {
	if s, ok := c.sink.(NoteSink); ok {
		s.Noted(note)
	}
}
