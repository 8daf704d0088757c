// Package convert turns recorded events into what other programs open.
package convert

import (
	"io"

	"h2trace/export"
	"h2trace/export/chrometrace"
	"h2trace/export/har"
	"h2trace/export/scan"
)

// Formats names the formats.
var Formats = []string{"har", "trace"}

// writer writes a format.
type writer interface {
	// Take converts a line, and reports whether it is an event.
	Take(line []byte) (isEvent bool, err error)
	// EndFile ends a recording.
	EndFile()
	// Close ends what is written.
	Close() error
}

// Converter converts recorded events.
type Converter struct {
	to      writer
	leftOut *int64
	screen  *export.LineScreen // nil shows secrets

	// Events is how many events were read, and Skipped how many lines were none.
	Events, Skipped int64
}

// Options says what is converted, and to what.
type Options struct {
	Format      string // one of Formats
	Version     string // of h2trace
	ShowSecrets bool
}

// New returns a Converter which writes to w. Close must be called at the end.
func New(w io.Writer, o Options) *Converter {
	c := &Converter{leftOut: new(int64)}
	if !o.ShowSecrets {
		c.screen = new(export.LineScreen)
	}
	if o.Format == "har" {
		archive := har.New(w, o.Version)
		c.to, c.leftOut = archive, &archive.LeftOut
	} else {
		t := chrometrace.New(w)
		t.ShowSecrets = o.ShowSecrets
		c.to = t
	}
	return c
}

// LeftOut is how many exchanges lack what the recording has of them, as there was too much at once.
func (c *Converter) LeftOut() int64 { return *c.leftOut }

// Read converts the events of a file, also as gzip or PowerShell make it. It returns the errors of
// r and of the writer.
func (c *Converter) Read(r io.Reader) error {
	in, err := scan.Open(r)
	if err != nil {
		return err
	}
	skipped, err := scan.Lines(in, func(line []byte) error {
		if c.screen != nil {
			line = c.screen.Clean(line)
		}
		isEvent, err := c.to.Take(line)
		switch {
		case isEvent:
			c.Events++
		case len(line) > 0 && line[0] != '\n' && line[0] != '\r':
			c.Skipped++
		}
		return err
	})
	c.Skipped += skipped
	c.to.EndFile()
	return err
}

// Close writes what is left, and the end. It returns the first error of writing.
func (c *Converter) Close() error { return c.to.Close() }
