package text

import (
	"bytes"
	"strconv"

	"h2trace/export/scan"
)

// Options says how lines look.
type Options struct {
	// Columns returns the width of the terminal. A longer line loses what matters least, and
	// then the middle of what may be long in it, such as a URL. nil, and 0, are for any length.
	Columns func() int
	// Color colours what failed red, what is odd yellow, and what succeeded green.
	Color bool
	// Verbose prints each header, setting and flag.
	Verbose bool
}

// Formatter formats events. Columns become wider as wider values come, and never narrower.
type Formatter struct {
	opts  Options
	times scan.Times
	first int64 // of the run, Unix nanoseconds
	begun bool

	event scan.Object
	line  line
}

// New returns a Formatter.
func New(o Options) *Formatter { return &Formatter{opts: o} }

// Append appends the text of an event, given as its line of JSON, to b. It has no line end after
// its last line; lines after the first begin with a tab. What is no event is appended as it is,
// without what a terminal would act on.
func (f *Formatter) Append(b, event []byte) []byte {
	e := &f.event
	if !e.Parse(event) {
		return append(b, safe(bytes.TrimRight(event, "\r\n"))...)
	}
	ns, timed := f.since(e.Get("ts"))
	l := &f.line
	l.reset()
	describe(l, e)
	l.columns.fill(e, ns, timed)
	limit := f.limit()
	b = l.append(b, limit, f.opts.Color)
	if f.opts.Verbose {
		b = appendDetails(b, e, limit)
	}
	if scan.Is(e.Get("event"), "summary") {
		f.NewRun()
	}
	return b
}

// Skip takes an event that is not printed. The first one of a run sets its clock.
func (f *Formatter) Skip(event []byte) {
	if !f.begun && f.event.Parse(event) {
		f.since(f.event.Get("ts"))
	}
}

// NewRun says that the events of another run follow, whose clock is its own.
func (f *Formatter) NewRun() { f.begun = false }

func (f *Formatter) limit() int {
	if f.opts.Columns == nil {
		return 0
	}
	return f.opts.Columns()
}

// since returns how long after the first event of the run a time is, if it is one.
func (f *Formatter) since(ts []byte) (ns int64, ok bool) {
	at, ok := f.times.Parse(ts)
	if ok && !f.begun {
		f.first, f.begun = at, true
	}
	return at - f.first, ok
}

// appendSeconds appends nanoseconds as seconds with three decimals.
func appendSeconds(b []byte, ns int64) []byte {
	if ns <= -1e6 {
		b, ns = append(b, '-'), -ns
	}
	ms := uint64(max(ns, 0)) / 1e6
	b = append(strconv.AppendUint(b, ms/1000, 10), '.')
	return append(b, byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}
