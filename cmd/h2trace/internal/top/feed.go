package top

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"time"

	"h2trace/decoder"
	"h2trace/export/top"
)

// Feed gives the lines of events to a Model, in a goroutine of its own. Who gives it lines
// decodes what the kernel buffers: that waits for the Model where lines come faster than it
// counts them, but never for the screen.
type Feed struct {
	model *top.Model

	mu    sync.Mutex
	chunk []byte // of lines
	armed bool   // the timer will hand it over
	timer *time.Timer

	queue chan []byte // of chunks
	free  chan []byte // chunks to use again
	done  chan struct{}

	closing sync.Once
}

// What waits to be counted is 2 MiB at most, and does so for flushDelay.
const (
	chunkSize  = 64 << 10
	maxChunks  = 32
	flushDelay = 50 * time.Millisecond
)

// NewFeed returns the Feed of a Model. Close must be called at the end. protect runs what counts,
// see Screen.Protect.
func NewFeed(m *top.Model, protect func(func())) *Feed {
	f := &Feed{
		model: m,
		queue: make(chan []byte, maxChunks),
		free:  make(chan []byte, 4),
		done:  make(chan struct{}),
	}
	f.timer = time.AfterFunc(time.Hour, f.flush)
	f.timer.Stop()
	go protect(f.count)
	return f
}

// Line takes the line of an event. It does not keep it.
func (f *Feed) Line(line []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin()
	f.end(append(f.chunk, line...))
}

// Moved takes bytes that are in no frame (see export.Listener). They are a line of their own
// among those of events, which begin with a brace.
func (f *Feed) Moved(conn string, dir decoder.Direction, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin()
	f.end(fmt.Appendf(f.chunk, "%v %d %s", dir, bytes, conn))
}

// begin begins a line.
func (f *Feed) begin() {
	if f.chunk == nil {
		select {
		case f.chunk = <-f.free:
		default:
			f.chunk = make([]byte, 0, chunkSize+chunkSize/8)
		}
	}
}

// end takes back the chunk with a line.
func (f *Feed) end(chunk []byte) {
	f.chunk = append(chunk, '\n')
	if len(f.chunk) >= chunkSize {
		f.handOver()
	} else if !f.armed {
		f.armed = true
		f.timer.Reset(flushDelay)
	}
}

func (f *Feed) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	f.handOver()
}

func (f *Feed) handOver() {
	if len(f.chunk) > 0 {
		f.queue <- f.chunk
		f.chunk = nil
	}
}

func (f *Feed) count() {
	defer close(f.done)
	for chunk := range f.queue {
		for line := range bytes.SplitSeq(chunk, []byte{'\n'}) {
			f.add(line)
		}
		if cap(chunk) > 2*chunkSize {
			continue // of an enormous line
		}
		select {
		case f.free <- chunk[:0]:
		default:
		}
	}
}

func (f *Feed) add(line []byte) {
	switch {
	case len(line) == 0:
	case line[0] == '{':
		f.model.Add(line)
	default:
		way, rest, _ := bytes.Cut(line, []byte(" "))
		number, conn, _ := bytes.Cut(rest, []byte(" "))
		if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
			f.model.Moved(conn, string(way) == decoder.Send.String(), n)
		}
	}
}

// Close returns when all lines are counted. No line may follow. It may be called again.
func (f *Feed) Close() {
	f.closing.Do(func() {
		f.mu.Lock()
		f.timer.Stop()
		f.handOver()
		f.mu.Unlock()
		close(f.queue)
		<-f.done
	})
}
