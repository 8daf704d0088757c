package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
)

// result is a file that is of use as a whole, or stdout.
type result struct {
	to      io.Writer
	file    *os.File // of -o, nil for stdout
	created bool     // it was not there before
	err     error    // the first of Write
	signals chan os.Signal
}

// openResult opens the file of -o, or stdout for "" and "-". It refuses to write to what is read
// from. If a signal ends h2trace, it discards the file of -o.
func openResult(path string, stdout io.Writer, inputs []os.FileInfo, msg *message.Printer) (*result, error) {
	r := &result{to: stdout, signals: make(chan os.Signal, 1)}
	if path == "" || path == "-" {
		signal.Notify(r.signals, syscall.SIGPIPE) // where it is awaited, a write says that nobody reads
		if f, ok := stdout.(*os.File); ok {
			info, err := f.Stat()
			if err != nil {
				return nil, err
			}
			return r, isNone(inputs, info, "stdout")
		}
		return r, nil
	}
	info, err := os.Stat(path)
	if err == nil { // it would be emptied
		if err := isNone(inputs, info, path); err != nil {
			return nil, err
		}
	}
	_, err = os.Lstat(path)
	r.created = errors.Is(err, os.ErrNotExist)
	if r.file, err = openOutput(path, msg); err != nil {
		return nil, err
	}
	r.to = r.file
	signal.Notify(r.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go r.discardOnSignal()
	return r, nil
}

// isNone returns an error if a file that is written to is one of those that are read.
func isNone(inputs []os.FileInfo, file os.FileInfo, name string) error {
	for _, input := range inputs {
		if input.Mode().IsRegular() && os.SameFile(input, file) {
			return fmt.Errorf("%s is %s: what is written would destroy what is read; name another file with -o", input.Name(), name)
		}
	}
	return nil
}

func (r *result) discardOnSignal() {
	if s, ok := (<-r.signals).(syscall.Signal); ok {
		r.discard()
		os.Exit(128 + int(s))
	}
}

// Write implements io.Writer.
func (r *result) Write(b []byte) (int, error) {
	n, err := r.to.Write(b)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

// onTerminal reports whether what is written shows how far the work is.
func (r *result) onTerminal() bool {
	f, ok := r.to.(*os.File)
	return ok && terminal.Is(f)
}

// close ends the writing, and returns the first error of it.
func (r *result) close() error {
	if r.file != nil {
		if err := r.file.Close(); r.err == nil {
			r.err = err
		}
	}
	return r.err
}

// discard leaves nothing that is not whole: it removes the file of -o, or empties it if it was
// there before. Nothing can be taken back from stdout, or from a pipe.
func (r *result) discard() {
	if r.file == nil {
		return
	}
	if r.created {
		_ = os.Remove(r.file.Name())
	} else if info, err := os.Stat(r.file.Name()); err == nil && info.Mode().IsRegular() {
		_ = os.Truncate(r.file.Name(), 0)
	}
	_ = r.file.Close()
}
