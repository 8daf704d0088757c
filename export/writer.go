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

// ErrReaderGone is the write error after the reader of the output has exited (EPIPE), as
// in `h2trace … | head`. It ends the observation and is not a failure.
var ErrReaderGone = errors.New("reader of the output is gone")

// errClosed is the state of a writer after close.
var errClosed = errors.New("output is closed")

const (
	// bufferSize is how many buffered bytes cause a write. Into a file, each byte costs a
	// third more in writes of 64 KiB, which begin and end within a page.
	bufferSize = 256 << 10
	// bufferSlack is room for the line that fills the buffer.
	bufferSlack = 16 << 10
	// maxKeptBuffer bounds the memory that stays allocated after one enormous line.
	maxKeptBuffer = 1 << 20
	// flushDelay is how long a line waits for others. Together with the write itself, it
	// stays below the promised 100 ms.
	flushDelay = 50 * time.Millisecond
	// retryDelay is the pause before another write to a descriptor that would block.
	retryDelay = time.Millisecond
)

// lineWriter buffers whole lines. It writes them when the buffer is full, at the latest
// flushDelay after the first of them. After the first error it writes nothing more, so a
// line cut by the error is the last.
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

	listeners []Listener
	start     int  // of the line being appended
	kept      bool // it is written
	heard     set  // of the listeners that get it

	format func(b, line []byte) []byte // of what is written; nil for as it is
	line   []byte                      // that is formatted
}

func newLineWriter(w io.Writer) *lineWriter {
	lw := &lineWriter{w: w, buf: make([]byte, 0, bufferSize+bufferSlack)}
	lw.timer = time.AfterFunc(time.Hour, lw.tick)
	lw.timer.Stop()
	return lw
}

// set is a set of listeners: bit i is for the one with that index.
type set uint8

// maxListeners bounds a set.
const maxListeners = 8

// begin locks the writer and returns the buffer to append one line to. The line is written
// if it is shown, and listeners get it if they are in heard. If neither is possible, as after
// an error, begin returns false and does not lock.
func (lw *lineWriter) begin(shown bool, heard set) ([]byte, bool) {
	lw.mu.Lock()
	if shown && lw.err != nil {
		lw.lost++
		shown = false
	}
	if !shown && heard == 0 {
		lw.mu.Unlock()
		return nil, false
	}
	lw.start, lw.kept, lw.heard = len(lw.buf), shown, heard
	return lw.buf, true
}

// end takes back the buffer with the line in it and unlocks the writer.
func (lw *lineWriter) end(b []byte) {
	for i := 0; lw.heard != 0; i++ {
		if lw.heard&1 != 0 {
			lw.listeners[i].Line(b[lw.start:])
		}
		lw.heard >>= 1
	}
	if !lw.kept {
		lw.buf = b[:lw.start]
		lw.mu.Unlock()
		return
	}
	if lw.format != nil {
		lw.line = append(lw.line[:0], b[lw.start:]...)
		b = lw.format(b[:lw.start], lw.line)
		if cap(lw.line) > maxKeptBuffer {
			lw.line = nil
		}
	}
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

// flush writes the buffer and returns the first error of all writes.
func (lw *lineWriter) flush() error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.flushLocked()
	return lw.failure()
}

// close flushes, and drops all later lines.
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
			lw.lost += uint64(bytes.Count(rest, []byte{'\n'}) - bytes.Count(rest, []byte("\n\t"))) // see Options.Format
		}
	}
	lw.buf = lw.buf[:0]
	if cap(lw.buf) > maxKeptBuffer {
		lw.buf = make([]byte, 0, bufferSize+bufferSlack)
	}
}

// unwritten returns how many lines were not written whole because of an error.
func (lw *lineWriter) unwritten() uint64 {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	return lw.lost
}

// writeAll writes all of b, and returns what it could not write. It retries EAGAIN: another
// process, such as COMMAND, may have made a terminal or pipe non-blocking, because the
// flag belongs to the shared open file.
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
			return b, err // an *os.File names the operation and the file
		}
	}
	return nil, nil
}
