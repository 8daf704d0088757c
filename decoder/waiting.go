package decoder

import (
	"bytes"

	"h2trace/decoder/ktime"
)

// waiting holds the calls that a Conn does not decode yet, see Hold.
type waiting struct {
	on      bool
	since   ktime.Time
	list    []given
	bytes   int      // of their payloads
	pending [2]int64 // by direction: their bytes, missing ones included
}

// given is one call of Data, Skip, Gap, Missed, Note or Recover.
type given struct {
	kind  givenKind
	at    ktime.Time
	dir   Direction
	b     []byte
	n     int64
	table Snapshot
	note  any
}

type givenKind uint8

const (
	givenData givenKind = iota
	givenSkip
	givenGap
	givenMissed
	givenNote
	givenTable
)

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
	for i := range list {
		in := &list[i]
		w.pending[in.dir] -= in.length()
		c.take(in)
	}
}

// wait keeps a call.
func (c *Conn) wait(in given) {
	w := &c.waiting
	in.b = bytes.Clone(in.b)
	w.list = append(w.list, in)
	w.bytes += len(in.b)
	w.pending[in.dir] += in.length()
}

// length returns the number of bytes by which a call moves its direction on.
func (in *given) length() int64 {
	switch in.kind {
	case givenData:
		return int64(len(in.b))
	case givenSkip, givenGap:
		return max(0, in.n)
	}
	return 0
}

func (c *Conn) take(in *given) {
	switch in.kind {
	case givenData:
		c.takeData(in.at, in.dir, in.b)
	case givenSkip:
		c.takeSkip(in.at, in.dir, in.n)
	case givenGap:
		c.takeGap(in.at, in.dir, in.n)
	case givenMissed:
		c.takeMissed(in.dir)
	case givenNote:
		c.noted(in.note)
	case givenTable:
		_ = c.takeTable(in.at, in.dir, in.table) // an unfit one is dropped
	}
}

// Note passes a note to the Sink, if it is a NoteSink, after all calls before it are
// decoded.
func (c *Conn) Note(at ktime.Time, note any) {
	if c.waiting.on {
		c.wait(given{kind: givenNote, at: at, note: note})
		return
	}
	c.noted(note)
}

func (c *Conn) noted(note any) {
	if s, ok := c.sink.(NoteSink); ok {
		s.Noted(note)
	}
}
