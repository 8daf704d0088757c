package contract

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
)

// Lines checks every whole line of an output. The output of a run that was cut may end in
// a part of a line.
func Lines(output []byte) error {
	v := takeValidator()
	defer giveValidator(v)
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(output, []byte("\n"))
		if !whole {
			return nil
		}
		if err := v.Line(line); err != nil {
			return fmt.Errorf("line %d: %w: %.300s", n, err, line)
		}
		output = rest
	}
}

// IsEvents reports whether an output begins like a line of h2trace.
func IsEvents(output []byte) bool { return bytes.HasPrefix(output, []byte(`{"v":`)) }

// Checked returns a writer that passes on what h2trace prints, after checking every line.
func Checked(t testing.TB, w io.Writer) io.Writer { return &checked{t: t, w: w} }

type checked struct {
	t    testing.TB
	mu   sync.Mutex // h2trace writes in a goroutine of its own
	w    io.Writer
	rest []byte // the part of a line
}

func (c *checked) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := append(c.rest, b...)
	end := bytes.LastIndexByte(text, '\n') + 1
	if err := Lines(text[:end]); err != nil {
		c.t.Errorf("output: %v", err)
	}
	c.rest = append([]byte(nil), text[end:]...)
	return c.w.Write(b)
}
