package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// ErrReaderGone is what a write error is when nobody reads the output any
// more (EPIPE), as after `h2trace … | head`. It is told apart because it ends
// the observing and is no failure.
var ErrReaderGone = errors.New("reader of the output is gone")

// errClosed is the state of a writer after close.
var errClosed = errors.New("output is closed")

const (
	// bufferSize is how many bytes gather before they are written at once.
	bufferSize = 64 << 10
	// maxKeptBuffer bounds what one enormous line leaves allocated.
	maxKeptBuffer = 1 << 20
	// flushDelay is how long a line waits for others. With the time of the
	// write itself it stays below the 100 ms that users are promised.
	flushDelay = 50 * time.Millisecond
	// retryDelay is the pause before a descriptor that would block is tried
	// again.
	retryDelay = time.Millisecond
)

// lineWriter gathers whole lines and writes them when the buffer is full and
// at the latest flushDelay after the first of them. After the first error it
// writes nothing more, so a line cut by the error stays the last.
//
// The caller holds mu from begin to end.
type lineWriter struct {
	mu    sync.Mutex
	w     io.Writer
	buf   []byte
	err   error
	lost  uint64 // lines not written, or not whole
	timer *time.Timer
	armed bool // the timer will flush
}

func newLineWriter(w io.Writer) *lineWriter {
	lw := &lineWriter{w: w, buf: make([]byte, 0, bufferSize+bufferSize/4)}
	lw.timer = time.AfterFunc(time.Hour, lw.tick)
	lw.timer.Stop()
	return lw
}

// begin locks the writer and returns the buffer to append one line to, or
// false when nothing can be written any more; then the writer is not locked.
func (lw *lineWriter) begin() ([]byte, bool) {
	lw.mu.Lock()
	if lw.err != nil {
		lw.lost++
		lw.mu.Unlock()
		return nil, false
	}
	return lw.buf, true
}

// end takes the buffer back with the line in it and unlocks the writer.
func (lw *lineWriter) end(b []byte) {
	lw.buf = append(b, '\n')
	if len(lw.buf) >= bufferSize {
		lw.flushLocked()
	} else if !lw.armed {
		lw.armed = true
		lw.timer.Reset(flushDelay)
	}
	lw.mu.Unlock()
}

func (lw *lineWriter) tick() {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.armed = false
	lw.flushLocked()
}

// flush writes what is buffered and returns the first error of all writes.
func (lw *lineWriter) flush() error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.flushLocked()
	return lw.failure()
}

// close flushes and refuses everything after it.
func (lw *lineWriter) close() error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.timer.Stop()
	lw.flushLocked()
	if lw.err == nil {
		lw.err = errClosed
	}
	return lw.failure()
}

// error returns the first error of all writes.
func (lw *lineWriter) error() error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	return lw.failure()
}

func (lw *lineWriter) failure() error {
	if errors.Is(lw.err, errClosed) {
		return nil
	}
	return lw.err
}

func (lw *lineWriter) flushLocked() {
	if lw.err == nil && len(lw.buf) > 0 {
		var rest []byte
		if rest, lw.err = writeAll(lw.w, lw.buf); lw.err != nil {
			lw.lost += uint64(bytes.Count(rest, []byte{'\n'}))
		}
	}
	lw.buf = lw.buf[:0]
	if cap(lw.buf) > maxKeptBuffer {
		lw.buf = make([]byte, 0, bufferSize+bufferSize/4)
	}
}

// unwritten returns how many lines an error kept from being written whole.
func (lw *lineWriter) unwritten() uint64 {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	return lw.lost
}

// writeAll writes all of b, and returns what it could not write. A terminal or
// pipe that another process made non-blocking (the flag belongs to the open file
// that they share, and COMMAND may be that process) is waited for and not an
// error.
func writeAll(w io.Writer, b []byte) (rest []byte, err error) {
	for len(b) > 0 {
		n, err := w.Write(b)
		if n < 0 || n > len(b) {
			return b, io.ErrShortWrite
		}
		b = b[n:]
		switch {
		case err == nil && n == 0:
			return b, io.ErrShortWrite
		case err == nil:
		case errors.Is(err, syscall.EAGAIN):
			time.Sleep(retryDelay)
		case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
			return b, fmt.Errorf("%w: %w", ErrReaderGone, err)
		default:
			return b, err // an *os.File says that it is of a write, and of which file
		}
	}
	return nil, nil
}
