package report

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine bounds a line; the Builder skips a longer one. A frame with the largest payload
// in base64 is shorter.
const maxLine = 32 << 20

// Builder reads events and sums them up. It is not safe for concurrent use.
type Builder struct {
	parser parser
	run    *run // nil before its first event
	sums   *sums
}

// NewBuilder returns a Builder that has read nothing.
func NewBuilder() *Builder { return &Builder{sums: newSums()} }

// Read reads a file. A run ends with its summary, or with the file. It returns only errors
// of r.
func (b *Builder) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	defer b.endRun()
	var long []byte
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, line...); len(long) > maxLine {
				b.sums.skipped++
				if long, err = nil, skipLine(in); err != nil {
					return ended(err)
				}
			}
			continue
		case long != nil:
			line = append(long, line...)
			long = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.line(line)
		}
		if err != nil {
			return ended(err)
		}
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// line takes a line. A line that a report does not read begins no run.
func (b *Builder) line(line []byte) {
	e := b.parser.parse(line)
	if e == nil {
		b.sums.skipped++
		return
	}
	if b.run == nil {
		if _, ok := e.(*otherEvent); ok {
			return
		}
		b.run = newRun(b.sums)
	}
	b.run.take(e)
	if s, ok := e.(*summaryEvent); ok {
		b.run.summary(s)
		b.endRun()
	}
}

// endRun adds the current run to the sums.
func (b *Builder) endRun() {
	if b.run != nil {
		b.run.end()
		b.run = nil
	}
}
