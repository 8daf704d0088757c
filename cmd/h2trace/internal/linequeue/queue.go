// Package linequeue hands lines of events to a function in another goroutine. Who gives it lines
// decodes what the kernel buffers, and does not wait for what becomes of each.
package linequeue

import (
	"bytes"
	"sync"
	"time"
)

// Options say how lines wait.
type Options struct {
	Chunks int           // how many of 64 KiB can wait
	Delay  time.Duration // after which a chunk that is not full is handed over; 0 is at the end
	// Drop drops lines that come faster than they are taken, instead of waiting.
	Drop bool
	// Dropped is called with each line that is dropped, by who adds lines; nil is for nobody.
	Dropped func(line []byte)
	// Protect runs the goroutine that takes lines; nil just runs it.
	Protect func(func())
}

// Queue holds lines until the function takes them. It is safe for concurrent use.
type Queue struct {
	opts Options
	take func(line []byte)

	mu      sync.Mutex
	chunk   []byte      // of lines
	timer   *time.Timer // nil without a Delay
	armed   bool        // the timer will hand the chunk over
	dropped bool
	closed  bool

	queue chan []byte // of chunks
	free  chan []byte // chunks to use again
	done  chan struct{}

	closing sync.Once
}

const chunkSize = 64 << 10

// New returns a Queue whose lines a function takes, which does not keep them. Close must be called
// at the end.
func New(take func(line []byte), o Options) *Queue {
	q := &Queue{
		opts: o, take: take,
		queue: make(chan []byte, o.Chunks),
		free:  make(chan []byte, 4),
		done:  make(chan struct{}),
	}
	if o.Delay > 0 {
		q.timer = time.AfterFunc(time.Hour, q.flush)
		q.timer.Stop()
	}
	if o.Protect != nil {
		go o.Protect(q.run)
	} else {
		go q.run()
	}
	return q
}

// Add takes a line without its end. It does not keep it. After Close it ignores lines.
func (q *Queue) Add(line []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.chunk == nil {
		select {
		case q.chunk = <-q.free:
		default:
			q.chunk = make([]byte, 0, chunkSize+chunkSize/8)
		}
	}
	q.chunk = append(append(q.chunk, line...), '\n')
	if len(q.chunk) >= chunkSize {
		q.handOver(q.opts.Drop)
	} else if q.timer != nil && !q.armed {
		q.armed = true
		q.timer.Reset(q.opts.Delay)
	}
}

func (q *Queue) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.armed = false; q.closed {
		return
	}
	q.handOver(q.opts.Drop)
}

// handOver queues the chunk. If there is no room, it waits, or drops the chunk.
func (q *Queue) handOver(drop bool) {
	switch {
	case len(q.chunk) == 0:
		return
	case !drop:
		q.queue <- q.chunk
	default:
		select {
		case q.queue <- q.chunk:
		default:
			if q.opts.Dropped != nil {
				each(q.chunk, q.opts.Dropped)
			}
			q.dropped, q.chunk = true, q.chunk[:0]
			return
		}
	}
	q.chunk = nil
}

func (q *Queue) run() {
	defer close(q.done)
	for chunk := range q.queue {
		each(chunk, q.take)
		if cap(chunk) > 2*chunkSize {
			continue // of an enormous line
		}
		select {
		case q.free <- chunk[:0]:
		default:
		}
	}
}

// each calls f with the lines of a chunk.
func each(chunk []byte, f func(line []byte)) {
	for line := range bytes.SplitSeq(chunk, []byte{'\n'}) {
		if len(line) > 0 {
			f(line)
		}
	}
}

// Close returns when all lines are taken, and reports whether some were dropped. It may be called
// again.
func (q *Queue) Close() (dropped bool) {
	q.closing.Do(func() {
		q.mu.Lock()
		q.closed = true
		if q.timer != nil {
			q.timer.Stop()
		}
		q.handOver(false)
		q.mu.Unlock()
		close(q.queue)
		<-q.done
	})
	return q.dropped
}
