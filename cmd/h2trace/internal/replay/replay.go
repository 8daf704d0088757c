// Package replay prints recorded events again, some of them or in another format, and those of
// captured packets.
package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"h2trace/decoder/capture"
	"h2trace/export"
	"h2trace/export/scan"
	"h2trace/export/text"
)

// Replayer prints recorded events.
type Replayer struct {
	out    *bufio.Writer
	filter *export.LineFilter
	format *text.Formatter
	screen export.LineScreen
	text   []byte

	// ShowSecrets prints the secrets that were recorded.
	ShowSecrets bool

	// Packets reads a file that holds packets.
	Packets func(*bufio.Reader) error

	// Events is how many events were read, also those that the filter hides, and Skipped how
	// many lines were none. Of Exchanges that were read, Selected were printed.
	Events, Skipped, Exchanges, Selected int64
}

// New returns a Replayer that writes to w the events that a filter shows, as text if format is
// not nil. Flush must be called at the end.
func New(w io.Writer, filter export.Filter, format *text.Formatter) *Replayer {
	return &Replayer{out: bufio.NewWriterSize(w, 256<<10), filter: export.NewLineFilter(filter), format: format}
}

// Read prints the events of a file, also as gzip or PowerShell make it, or gives it to Packets. It
// returns the errors of r and of the writer. Where it has to wait for more, it has written all.
func (r *Replayer) Read(from io.Reader) error {
	in, err := scan.Open(&flushing{from, r})
	if err != nil {
		return err
	}
	if head, _ := in.Peek(4); capture.Is(head) { // an error comes again
		if err := r.Flush(); err != nil {
			return err
		}
		return r.Packets(in)
	}
	if r.format != nil {
		r.format.NewRun()
	}
	skipped, err := scan.Lines(in, r.line)
	r.Skipped += skipped
	return err
}

// flushing has a Replayer write what is buffered before it reads more.
type flushing struct {
	io.Reader
	of *Replayer
}

// Read implements io.Reader.
func (f *flushing) Read(b []byte) (int, error) {
	if err := f.of.Flush(); err != nil {
		return 0, err
	}
	return f.Reader.Read(b)
}

// line prints a line.
func (r *Replayer) line(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return nil
	}
	shown, kind, isEvent := r.filter.Shows(line)
	if !isEvent {
		r.Skipped++
		return nil
	}
	r.Events++
	if kind == export.KindExchange && r.filter.Kind(kind) {
		r.Exchanges++
	}
	if !shown {
		if r.format != nil {
			r.format.Skip(line)
		}
		return nil
	}
	if kind == export.KindExchange {
		r.Selected++
	}
	if !r.ShowSecrets {
		line = r.screen.Clean(line)
	}
	if r.format != nil {
		r.text = r.format.Append(r.text[:0], line)
		line = r.text
	}
	_, err := r.out.Write(line)
	if err == nil {
		err = r.out.WriteByte('\n')
	}
	return Written(err)
}

// Flush writes what is buffered.
func (r *Replayer) Flush() error { return Written(r.out.Flush()) }

// WriteError is an error of the writer.
type WriteError struct{ err error }

func (e *WriteError) Error() string { return fmt.Sprintf("write events: %v", e.err) }

// Unwrap returns what the writer returned.
func (e *WriteError) Unwrap() error { return e.err }

// Written returns an error of the writer as a *WriteError, and nil for nil.
func Written(err error) error {
	if err == nil {
		return nil
	}
	return &WriteError{err}
}
