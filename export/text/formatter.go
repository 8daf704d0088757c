package text

import (
	"bytes"
	"strconv"

	"h2trace/export/scan"
)

// Options says how lines look.
type Options struct {
	// Columns returns the width of the terminal. Longer lines are cut in the middle of what
	// may be long in them, such as a URL. nil, and 0, are for any length.
	Columns func() int
	// Color colours what failed red, what is slow or odd yellow, and answers green.
	Color bool
	// Verbose prints each header, setting and flag.
	Verbose bool
}

// Formatter formats events. Columns become wider as wider values come, and never narrower.
type Formatter struct {
	opts  Options
	times scan.Times
	first int64 // Unix nanoseconds; 0 before the first event

	process, conn, stream int // widths
	event                 object
	line                  line
}

// New returns a Formatter.
func New(o Options) *Formatter { return &Formatter{opts: o, process: 9, conn: 3, stream: 3} }

// Append appends the text of an event, given as its line of JSON, to b. It has no line end after
// its last line; lines after the first begin with a tab. What is no event is appended as it is,
// without what a terminal would act on.
func (f *Formatter) Append(b, event []byte) []byte {
	e := &f.event
	if !e.parse(event) {
		return append(b, safe(bytes.TrimRight(event, "\r\n"))...)
	}
	l := &f.line
	l.reset()
	f.describe(l, e)
	f.columns(l, e)
	limit := 0
	if f.opts.Columns != nil {
		limit = f.opts.Columns()
	}
	b = l.append(b, limit, f.opts.Color)
	if f.opts.Verbose {
		b = f.appendDetails(b, e)
	}
	return b
}

// columns fills in what stands before the description.
func (f *Formatter) columns(l *line, e *object) {
	at, ok := f.times.Parse(e.get("ts"))
	if ok && f.first == 0 {
		f.first = at
	}
	b := l.columns[:0]
	b = pad(b, appendSeconds(l.cell[:0], at-f.first), 8, true)
	b = append(b, ' ')
	cell := l.cell[:0]
	if pid := e.get("pid"); pid != nil {
		cell = appendText(cell, e.get("comm"))
		cell = append(append(append(cell, '['), pid...), ']')
	}
	cell = safe(cell)
	f.process = max(f.process, columnsOf(cell))
	b = append(pad(b, cell, f.process, false), ' ')
	cell = safe(appendText(cell[:0], e.get("conn")))
	f.conn = max(f.conn, columnsOf(cell))
	b = append(pad(b, cell, f.conn, false), ' ')
	cell = cell[:0]
	if stream := e.get("stream"); stream != nil && string(stream) != "0" && string(stream) != "null" {
		cell = safe(append(cell, stream...))
	}
	f.stream = max(f.stream, columnsOf(cell))
	b = append(pad(b, cell, f.stream, true), ' ')
	switch dir := e.get("dir"); {
	case scan.Is(dir, "send"):
		b = append(b, "-> "...)
	case scan.Is(dir, "recv"):
		b = append(b, "<- "...)
	default:
		b = append(b, "   "...)
	}
	l.columns, l.cell = b, cell
}

// appendSeconds appends nanoseconds as seconds with three decimals.
func appendSeconds(b []byte, ns int64) []byte {
	if ns < 0 {
		b, ns = append(b, '-'), -ns
	}
	ms := uint64(ns) / 1e6
	b = append(strconv.AppendUint(b, ms/1000, 10), '.')
	return append(b, byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

// object is an event: its keys, and their values as written.
type object struct{ keys, values [][]byte }

// parse takes a line apart, and reports whether it is an event of the schema (see package
// export).
func (o *object) parse(line []byte) bool {
	o.keys, o.values = o.keys[:0], o.values[:0]
	ok := scan.Members(bytes.TrimRight(line, "\n"), func(key, value []byte) {
		o.keys, o.values = append(o.keys, key), append(o.values, value)
	})
	return ok && string(o.get("v")) == "1" && o.text("event") != ""
}

// get returns the value of a key, or nil.
func (o *object) get(key string) []byte {
	for i, k := range o.keys {
		if string(k) == key {
			return o.values[i]
		}
	}
	return nil
}

// text returns the value of a key that is a string, or else "".
func (o *object) text(key string) string { return scan.Text(o.get(key)) }

// has reports whether the key has a value other than null.
func (o *object) has(key string) bool {
	v := o.get(key)
	return v != nil && string(v) != "null"
}

// within returns the value of a key in an object that is the value of another.
func (o *object) within(outer, key string) (value []byte) {
	scan.Members(o.get(outer), func(k, v []byte) {
		if string(k) == key {
			value = v
		}
	})
	return value
}
