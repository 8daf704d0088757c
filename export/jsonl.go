package export

import (
	"io"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Options says what a JSONL prints.
type Options struct {
	// Events filters the events; the zero Filter prints all.
	Events Filter
	// ShowSecrets prints secrets instead of "<redacted>".
	ShowSecrets bool
	// Bodies prints the captured part of DATA payloads, exact and not redacted.
	Bodies bool
	// Clock converts the kernel times of events to the printed wall times.
	Clock ktime.Clock
	// Listeners get lines, too. There are at most 8.
	Listeners []Listener
	// Format appends what is printed instead of a line of JSON to b. The lines after its first
	// begin with a tab. It must not keep line. nil prints the line.
	Format func(b, line []byte) []byte
}

// Listener gets the line of each event of some kinds, also of those that Options.Events hides, and
// after the reader of the output has exited. One without Line gets none.
type Listener struct {
	Events Filter
	// Line is called with one line at a time, without its end. It must not keep it.
	Line func(line []byte)
	// Moved is called with bytes that are in no frame, those of HTTP/1.x and of what it carries,
	// as they go. nil is for nobody.
	Moved func(conn string, dir decoder.Direction, bytes int64)
}

// JSONL writes events as JSON Lines, or what Options.Format makes of these. It is safe for concurrent use.
//
// Its methods return no error, because the decoder that calls them has no use for it.
// After the first write error it writes nothing more; Err, Flush and Close return that
// error.
type JSONL struct {
	out    *lineWriter
	filter Filter
	enc    encoder // guarded by out.mu
}

// NewJSONL returns a JSONL that writes to w. An event reaches w within 100 ms, unless w
// blocks. Close must be called at the end.
func NewJSONL(w io.Writer, o Options) *JSONL {
	out := newLineWriter(w)
	if len(o.Listeners) > maxListeners {
		panic("export: too many listeners")
	}
	out.listeners, out.format = o.Listeners, o.Format
	return &JSONL{out: out, filter: o.Events, enc: newEncoder(&o)}
}

// begin begins a line for an event. It returns false if nobody gets the event.
func (j *JSONL) begin(k Kind) ([]byte, bool) {
	shown, heard := j.filter.shows(k), j.hears(k)
	if !shown && heard == 0 {
		return nil, false
	}
	return j.out.begin(shown, heard)
}

// hears returns the listeners that get events of a kind.
func (j *JSONL) hears(k Kind) (heard set) {
	for i := range j.out.listeners {
		if l := &j.out.listeners[i]; l.Line != nil && l.Events.shows(k) {
			heard |= 1 << i
		}
	}
	return heard
}

// hearsFrame returns the listeners that get frames of a type.
func (j *JSONL) hearsFrame(t decoder.Type) (heard set) {
	for i := range j.out.listeners {
		if l := &j.out.listeners[i]; l.Line != nil && l.Events.showsFrame(t) {
			heard |= 1 << i
		}
	}
	return heard
}

// Shows reports whether somebody gets events of that kind.
func (j *JSONL) Shows(k Kind) bool { return j.filter.shows(k) || j.hears(k) != 0 }

// Moved says that bytes go that are in no frame, for which there is no event.
func (j *JSONL) Moved(conn string, dir decoder.Direction, bytes int64) {
	for i := range j.out.listeners {
		if moved := j.out.listeners[i].Moved; moved != nil {
			moved(conn, dir, bytes)
		}
	}
}

// Flush writes the buffered lines. It returns the first error of all writes, which is
// ErrReaderGone if the reader of a pipe has exited.
func (j *JSONL) Flush() error { return j.out.flush() }

// Err returns the first error of all writes so far, without writing.
func (j *JSONL) Err() error { return j.out.error() }

// Unwritten returns how many events were not written whole because of an error.
func (j *JSONL) Unwritten() uint64 { return j.out.unwritten() }

// Close flushes and returns the first error of all writes. It drops later events, and
// does not close the underlying writer.
func (j *JSONL) Close() error { return j.out.close() }
