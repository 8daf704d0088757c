// Package output writes events to the destination of -o: a file, a pipe, a terminal.
// It decides which files are acceptable, notices when a reader leaves, and waits for
// one that does not read.
package output

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export"
)

// Output is where events go. After a write error it writes nothing more, so that its
// contents are a prefix of the events. In a regular file no event is cut. Write and Close are for
// one goroutine; Gone, Ending and Reopen are for any.
type Output struct {
	mu      sync.Mutex // of file and err
	file    *os.File
	again   *reopening     // nil if Reopen does nothing
	patient *patientWriter // nil without a reader, as for a regular file
	err     error
	lines   bool // of events, which end whole: not of packets, and not where a reader has them
	cut     bool // the last event is not whole
	gone    chan struct{}
	once    sync.Once
	ending  chan struct{}
	endOnce sync.Once
	stop    func() // ends the watch for the reader
}

// Open opens the file of -o, or a copy of stdout for "" and "-". OpenFile says which
// files are acceptable.
func Open(path string, owner *launch.Account, msg *message.Printer) (*Output, error) {
	return openReopenable(path, owner, msg, emptied)
}

// Append is Open, but keeps what is in a regular file.
func Append(path string, owner *launch.Account, msg *message.Printer) (*Output, error) {
	return openReopenable(path, owner, msg, continued)
}

func openReopenable(path string, owner *launch.Account, msg *message.Printer, ready finish) (*Output, error) {
	o, err := open(path, "events", owner, msg, ready)
	if err != nil {
		return nil, err
	}
	if o.patient == nil {
		o.lines = true
		if !IsStdout(path) {
			o.again = &reopening{path: path, owner: owner, msg: msg}
		}
	}
	return o, nil
}

// open is Open for something that may be no events.
func open(path, what string, owner *launch.Account, msg *message.Printer, ready finish) (*Output, error) {
	var file *os.File
	var err error
	if IsStdout(path) {
		file, err = copyStdout()
	} else {
		file, err = openFile(path, owner, msg, ready)
	}
	if err != nil {
		return nil, err
	}
	o := &Output{file: file, gone: make(chan struct{}), ending: make(chan struct{})}
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		o.patient = &patientWriter{file: file, what: what, Patience: DefaultPatience, say: msg.Infof, ending: o.ending}
		o.patient.start()
	}
	if o.stop, err = watchReader(file, o.readerGone); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return o, nil
}

// IsStdout reports whether events go to stdout, given the value of -o.
func IsStdout(path string) bool { return path == "" || path == "-" }

// copyStdout returns stdout under another descriptor. A write without a reader raises
// SIGPIPE in Go programs on descriptor 1; on others it returns EPIPE.
func copyStdout() (*os.File, error) {
	if stdoutClosed() {
		return nil, errStdoutClosed
	}
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("stdout: %w", err)
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}

// Write writes events, and returns how many bytes there are of whole ones. After an error it
// always returns the same error. export.ErrReaderGone stands for every way in which a reader leaves.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	write := o.file.Write
	if o.patient != nil {
		write = o.patient.write
	}
	n, err := write(p)
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		o.err = export.ErrReaderGone
		o.readerGone()
	case err != nil:
		o.err = err
		if o.lines {
			written := n
			n = wholeEvents(p, written)
			o.cut = takeBack(o.file, int64(written-n)) != nil
		}
	}
	return n, o.err
}

// TakeBack removes the last n bytes that were written, after a write error.
func (o *Output) TakeBack(n int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return takeBack(o.file, n)
}

// Close closes the output and returns its first error; some file systems report a
// full disk only now.
func (o *Output) Close() error {
	o.stop()
	if o.patient != nil {
		o.patient.stop()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cut {
		endCut(o.file)
	}
	err := errors.Join(o.again.failure(), o.file.Close())
	o.again = nil
	if o.err == nil {
		o.err = err
	}
	if errors.Is(o.err, export.ErrReaderGone) {
		return nil
	}
	return o.err
}

// File returns the file that events go to. It is not to be written to.
func (o *Output) File() *os.File { return o.file }

// Ending says that the capture has ended: the wait for a reader that does not read is
// limited from now on.
func (o *Output) Ending() { o.endOnce.Do(func() { close(o.ending) }) }

// Gone is closed when nobody is left to read the events.
func (o *Output) Gone() <-chan struct{} { return o.gone }

func (o *Output) readerGone() { o.once.Do(func() { close(o.gone) }) }
