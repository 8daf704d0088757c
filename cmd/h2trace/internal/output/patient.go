package output

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Patience is how long to wait for a reader that does not read.
type Patience struct {
	// Notice is the time after which a message says so.
	Notice time.Duration
	// Limit is how long the reader may stall after the capture and COMMAND have
	// ended; then the remaining events are lost.
	Limit time.Duration
}

// DefaultPatience outlives a pager in which somebody reads. Tests shorten it.
var DefaultPatience = Patience{Notice: 3 * time.Second, Limit: 30 * time.Second}

// pieceSize is how much is written at once to a reader that may stall. A pipe takes
// 64 KiB (pipe(7)), so that progress shows.
const pieceSize = 16 << 10

// patientWriter writes to a pipe, socket or terminal whose reader may stall. write(2)
// blocks then, so another goroutine calls it, and patientWriter abandons that
// goroutine when patience ends.
type patientWriter struct {
	file interface {
		Write(p []byte) (int, error)
		Name() string
	}
	Patience
	what   string // is written
	say    func(format string, args ...any)
	ending <-chan struct{} // closed when the capture has ended

	pieces  chan []byte
	results chan error
	written atomic.Int64 // of the current Write
	said    bool
	ended   time.Time // when ending was closed; zero before
}

// start starts the goroutine that writes. It ends with stop, or after the write in
// which it was abandoned.
func (w *patientWriter) start() {
	w.pieces, w.results = make(chan []byte), make(chan error, 1)
	go func() {
		for p := range w.pieces {
			w.results <- w.writePieces(p)
		}
	}()
}

func (w *patientWriter) stop() { close(w.pieces) }

// writePieces writes all of p. The flag O_NONBLOCK belongs to the open file: another
// process that shares a terminal or pipe may have set it.
func (w *patientWriter) writePieces(p []byte) error {
	for len(p) > 0 {
		n, err := w.file.Write(p[:min(len(p), pieceSize)])
		w.written.Add(int64(n))
		p = p[n:]
		switch {
		case errors.Is(err, unix.EAGAIN):
			time.Sleep(time.Millisecond)
		case err != nil:
			return err
		}
	}
	return nil
}

// write writes p. It fails if the reader stalls for the limit after the end of the
// capture; p must not be changed then.
func (w *patientWriter) write(p []byte) (int, error) {
	w.written.Store(0)
	w.pieces <- p
	tick := time.NewTimer(w.Notice)
	defer tick.Stop()
	ending, moved, seen := w.ending, time.Now(), int64(0)
	for {
		select {
		case err := <-w.results:
			return int(w.written.Load()), err
		case <-ending:
			ending = nil
			if w.ended.IsZero() {
				w.ended = time.Now()
			}
		case <-tick.C:
		}
		if n := w.written.Load(); n != seen {
			moved, seen = time.Now(), n
		}
		if time.Since(moved) >= w.Notice {
			w.tell()
		}
		next := w.Notice
		if !w.ended.IsZero() {
			still := w.Limit - time.Since(later(moved, w.ended))
			if still <= 0 {
				return int(seen), fmt.Errorf("%s: its reader did not read for %v", w.file.Name(), w.Limit)
			}
			next = min(next, still)
		}
		tick.Reset(next)
	}
}

// tell reports once that the reader stalls, and what follows.
func (w *patientWriter) tell() {
	if w.said {
		return
	}
	w.said = true
	w.say("the reader of %s does not read: %s wait for it, and those that find no room in the --buffer are lost; "+
		"when observing ends, h2trace waits for %v and then drops the rest", w.file.Name(), w.what, w.Limit)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
