package export

import (
	"io"

	"h2trace/decoder/ktime"
)

// Options says what a JSONL prints of what it is given.
type Options struct {
	// Events is which events are printed; the zero Filter is all.
	Events Filter
	// ShowSecrets prints secrets instead of "<redacted>".
	ShowSecrets bool
	// Bodies prints the captured part of DATA payloads, exactly as they are:
	// bodies are not redacted.
	Bodies bool
	// Clock has the wall times that are printed for the kernel times of events.
	Clock ktime.Clock
}

// JSONL writes events as JSON Lines. It is safe for concurrent use.
//
// Its methods return no error, because they are called from inside a decoder
// that has no use for it. After the first write error nothing more is
// written; Err, Flush and Close return it.
type JSONL struct {
	out    *lineWriter
	filter Filter
	enc    encoder // guarded by out.mu
}

// NewJSONL returns a JSONL that writes to w. An event reaches w within 100 ms
// as long as w takes what is written to it. Close must be called at the end.
func NewJSONL(w io.Writer, o Options) *JSONL {
	return &JSONL{out: newLineWriter(w), filter: o.Events, enc: newEncoder(&o)}
}

// begin begins a line for an event, or reports false where none is printed.
func (j *JSONL) begin(k Kind) ([]byte, bool) {
	if !j.Shows(k) {
		return nil, false
	}
	return j.out.begin()
}

// Shows reports whether events of that kind are printed.
func (j *JSONL) Shows(k Kind) bool { return j.filter.shows(k) }

// Flush writes what is buffered. It returns the first error of all writes,
// which is ErrReaderGone when the reader of a pipe went away.
func (j *JSONL) Flush() error { return j.out.flush() }

// Err returns the first error of all writes so far, without writing.
func (j *JSONL) Err() error { return j.out.error() }

// Unwritten returns how many events an error kept from being written whole.
func (j *JSONL) Unwritten() uint64 { return j.out.unwritten() }

// Close flushes and returns the first error of all writes. Events after it
// are dropped. It does not close the underlying writer.
func (j *JSONL) Close() error { return j.out.close() }
