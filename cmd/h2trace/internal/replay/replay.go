// Package replay prints recorded events again: some of them, or in another format.
package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"h2trace/export"
	"h2trace/export/scan"
	"h2trace/export/text"
)

// ErrCapture is the error of a file with packets instead of events.
var ErrCapture = errors.New("it holds packets, which replay does not read yet; it reads what h2trace -o FILE wrote")

// Replayer prints recorded events.
type Replayer struct {
	out    *bufio.Writer
	filter *export.LineFilter
	format *text.Formatter
	text   []byte

	// Events is how many events were read, also those that the filter hides, and Skipped how
	// many lines were none. Of Exchanges that were read, Selected were printed.
	Events, Skipped, Exchanges, Selected int64
}

// New returns a Replayer that writes to w the events that a filter shows, as text if format is
// not nil. Flush must be called at the end.
func New(w io.Writer, filter export.Filter, format *text.Formatter) *Replayer {
	return &Replayer{out: bufio.NewWriterSize(w, 256<<10), filter: export.NewLineFilter(filter), format: format}
}

// captures are how files with packets begin: pcap in both byte orders, with microseconds and
// nanoseconds, and pcapng.
var captures = []string{"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a"}

// Read prints the events of a file, also as gzip or PowerShell make it. It returns ErrCapture, and
// the errors of r and of the writer. Where it has to wait for more, it has written all.
func (r *Replayer) Read(from io.Reader) error {
	if r.format != nil {
		r.format.NewRun()
	}
	in, err := scan.Open(&flushing{from, r})
	if err != nil {
		return err
	}
	head, _ := in.Peek(4) // an error comes again
	for _, magic := range captures {
		if bytes.HasPrefix(head, []byte(magic)) {
			return ErrCapture
		}
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
	if r.format != nil {
		r.text = r.format.Append(r.text[:0], line)
		line = r.text
	}
	_, err := r.out.Write(line)
	if err == nil {
		err = r.out.WriteByte('\n')
	}
	return written(err)
}

// Flush writes what is buffered.
func (r *Replayer) Flush() error { return written(r.out.Flush()) }

// WriteError is an error of the writer.
type WriteError struct{ err error }

func (e *WriteError) Error() string { return fmt.Sprintf("write events: %v", e.err) }

// Unwrap returns what the writer returned.
func (e *WriteError) Unwrap() error { return e.err }

func written(err error) error {
	if err == nil {
		return nil
	}
	return &WriteError{err}
}
