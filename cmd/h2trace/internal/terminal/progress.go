// Package terminal tells terminals from other files, and shows on one how far a long work is.
package terminal

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Progress is a line on a terminal that says how far a work is, and is wiped at its end. A nil
// Progress shows nothing.
type Progress struct {
	to    io.Writer
	width int // 0 unknown
	shown bool
}

// NewProgress returns the line of a file, nil if that is no terminal.
func NewProgress(f *os.File) *Progress {
	if !Is(f) {
		return nil
	}
	return &Progress{to: f, width: columns(f)}
}

// wipe is the start of a line, and the removal of what is on it.
const wipe = "\r\x1b[K"

// Show replaces what the line says.
func (p *Progress) Show(format string, args ...any) {
	if p == nil {
		return
	}
	text := []rune("h2trace: " + fmt.Sprintf(format, args...))
	if p.width > 1 {
		text = text[:min(len(text), p.width-1)] // a longer one could not be wiped
	}
	p.shown = true
	_, _ = io.WriteString(p.to, wipe+string(text)) // without a terminal, nobody misses it
}

// End wipes the line.
func (p *Progress) End() {
	if p != nil && p.shown {
		p.shown = false
		_, _ = io.WriteString(p.to, wipe) // see Show
	}
}

// A work that takes less than quiet shows nothing, and then a line every interval.
const (
	quiet    = time.Second
	interval = 200 * time.Millisecond
)

// Reading shows how much of some files is read.
type Reading struct {
	line       *Progress
	total, had int64 // bytes; total is 0 if it is not known
	next       time.Time
}

// Of begins to read files of a size in bytes, or 0.
func (p *Progress) Of(total int64) *Reading {
	return &Reading{line: p, total: total, next: time.Now().Add(quiet)}
}

// Reader returns a reader that counts what is read of r.
func (r *Reading) Reader(of io.Reader) io.Reader {
	if r.line == nil {
		return of
	}
	return &counted{of, r}
}

type counted struct {
	io.Reader
	to *Reading
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.to.add(int64(n))
	return n, err
}

func (r *Reading) add(n int64) {
	r.had += n
	now := time.Now()
	if now.Before(r.next) {
		return
	}
	r.next = now.Add(interval)
	if r.total == 0 {
		r.line.Show("read %d MB", r.had/1e6)
		return
	}
	r.line.Show("read %d of %d MB (%d %%)", r.had/1e6, r.total/1e6, min(100, r.had*100/r.total))
}
