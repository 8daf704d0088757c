package export

import (
	"io"

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
}

// JSONL writes events as JSON Lines. It is safe for concurrent use.
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
	return &JSONL{out: newLineWriter(w), filter: o.Events, enc: newEncoder(&o)}
}

// begin begins a line for an event. It returns false if the event is not printed.
func (j *JSONL) begin(k Kind) ([]byte, bool) {
	if !j.Shows(k) {
		return nil, false
	}
	return j.out.begin()
}

// Shows reports whether events of that kind are printed.
func (j *JSONL) Shows(k Kind) bool { return j.filter.shows(k) }

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
