package top

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"h2trace/cmd/h2trace/internal/linequeue"
	"h2trace/decoder"
	"h2trace/export/top"
)

// Feed gives the lines of events to a Model, in a goroutine of its own. Who gives it lines
// decodes what the kernel buffers: that waits for the Model where lines come faster than it
// counts them, but never for the screen.
type Feed struct {
	model *top.Model
	lines *linequeue.Queue
}

// What waits to be counted is 2 MiB at most, and does so for flushDelay.
const (
	maxChunks  = 32
	flushDelay = 50 * time.Millisecond
)

// NewFeed returns the Feed of a Model. Close must be called at the end. protect runs what counts,
// see Screen.Protect.
func NewFeed(m *top.Model, protect func(func())) *Feed {
	f := &Feed{model: m}
	f.lines = linequeue.New(f.add, linequeue.Options{Chunks: maxChunks, Delay: flushDelay, Protect: protect})
	return f
}

// Line takes the line of an event. It does not keep it.
func (f *Feed) Line(line []byte) { f.lines.Add(line) }

// Moved takes bytes that are in no frame (see export.Listener). They are a line of their own
// among those of events, which begin with a brace.
func (f *Feed) Moved(conn string, dir decoder.Direction, bytes int64) {
	f.lines.Add(fmt.Appendf(nil, "%v %d %s", dir, bytes, conn))
}

func (f *Feed) add(line []byte) {
	if line[0] == '{' {
		f.model.Add(line)
		return
	}
	way, rest, _ := bytes.Cut(line, []byte(" "))
	number, conn, _ := bytes.Cut(rest, []byte(" "))
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		f.model.Moved(conn, string(way) == decoder.Send.String(), n)
	}
}

// Close returns when all lines are counted. No line may follow. It may be called again.
func (f *Feed) Close() { f.lines.Close() }
