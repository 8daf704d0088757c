package chrometrace

import (
	"io"
	"strconv"

	"h2trace/export"
	"h2trace/export/scan"
)

// place is where something is drawn.
type place struct{ pid, tid int64 }

// output writes trace events, each on a line. Its methods write an event in parts: begin or span,
// then any of cat, arg and text, then end.
type output struct {
	to     io.Writer
	b      []byte
	events int64
	inArgs bool
	err    error // the first
}

// flushSize is from how many bytes on they are written.
const flushSize = 64 << 10

// begin begins an event of a phase, such as X for a span.
func (o *output) begin(phase byte, name string, at place) {
	sep := ",\n"
	if o.events++; o.events == 1 {
		sep = `{"displayTimeUnit":"ms","traceEvents":[` + "\n"
	}
	o.b = append(o.b, sep...)
	o.b = append(o.b, `{"ph":"`...)
	o.b = append(o.b, phase)
	o.b = append(o.b, `","name":`...)
	o.b = export.AppendString(o.b, name)
	o.number("pid", at.pid)
	o.number("tid", at.tid)
}

// span begins a span.
func (o *output) span(name, category string, at place, i interval) {
	o.begin('X', name, at)
	o.category(category)
	o.number("ts", int64(i.begin))
	o.number("dur", int64(i.end-i.begin))
}

// instant begins an event without duration.
func (o *output) instant(name, category string, at place, when micros) {
	o.begin('i', name, at)
	o.category(category)
	o.number("ts", int64(when))
	o.b = append(o.b, `,"s":"t"`...)
}

// counter writes the value of a counter.
func (o *output) counter(name string, at place, when micros, value int64) {
	o.begin('C', name, at)
	o.number("ts", int64(when))
	o.b = append(o.b, `,"args":{"bytes":`...)
	o.b = append(strconv.AppendInt(o.b, value, 10), '}')
	o.end()
}

// metadata writes a name or an order of a process or a lane, as JSON.
func (o *output) metadata(what, key string, at place, value []byte) {
	o.begin('M', what, at)
	o.arg(key, value)
	o.end()
}

func (o *output) category(name string) {
	o.key("cat")
	o.b = export.AppendString(o.b, name)
}

func (o *output) number(key string, n int64) {
	o.key(key)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *output) key(key string) {
	o.b = append(o.b, ',', '"')
	o.b = append(o.b, key...)
	o.b = append(o.b, '"', ':')
}

// arg adds a value as an event has it. Null, and what is no JSON, is left out.
func (o *output) arg(key string, v []byte) {
	if !scan.Known(v) || !export.ValidValue(v) {
		return
	}
	if !o.inArgs {
		o.b = append(o.b, `,"args":{`...)
		o.b = append(append(append(o.b, '"'), key...), '"', ':')
		o.inArgs = true
	} else {
		o.key(key)
	}
	o.b = append(o.b, v...)
}

// args adds values of an event.
func (o *output) args(e *scan.Object, keys ...string) {
	for _, key := range keys {
		o.arg(key, e.Get(key))
	}
}

// text adds a string.
func (o *output) text(key, s string) { o.arg(key, export.AppendString(nil, s)) }

// end ends an event.
func (o *output) end() {
	if o.inArgs {
		o.b = append(o.b, '}')
		o.inArgs = false
	}
	o.b = append(o.b, '}')
	if len(o.b) >= flushSize {
		o.flush()
	}
}

func (o *output) flush() {
	if o.err == nil && len(o.b) > 0 {
		_, o.err = o.to.Write(o.b)
	}
	o.b = o.b[:0]
	if cap(o.b) > 1<<20 {
		o.b = nil // of a long line
	}
}

// close ends the trace.
func (o *output) close() error {
	if o.events == 0 {
		o.b = append(o.b, `{"displayTimeUnit":"ms","traceEvents":[`...)
	}
	o.b = append(o.b, "\n]}\n"...)
	o.flush()
	return o.err
}
