package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
)

// result is a file that is of use as a whole, or stdout.
type result struct {
	to      io.Writer
	path    string // of -o, "" for stdout
	created bool   // path was not there before
	emptied atomic.Bool
	file    *os.File // at path
	err     error    // the first of Write
}

// openResult opens the file of -o, or stdout for "" and "-". It refuses to write to what is read
// from. If a signal ends h2trace, it discards the file of -o.
func openResult(path string, stdout io.Writer, inputs []os.FileInfo, msg *message.Printer) (*result, error) {
	r := &result{to: stdout}
	if path == "" || path == "-" {
		if f, ok := stdout.(*os.File); ok {
			info, err := f.Stat()
			if err != nil {
				return nil, err
			}
			if name := among(inputs, info); name != "" {
				return nil, fmt.Errorf("stdout goes to %s, which is read: name another file", name)
			}
		}
		pipes := make(chan os.Signal, 1) // where it is awaited, a write says that nobody reads
		signal.Notify(pipes, syscall.SIGPIPE)
		r.heed(inputs, msg)
		return r, nil
	}
	if info, err := os.Stat(path); err == nil && among(inputs, info) != "" {
		return nil, fmt.Errorf("%s is read, and would be overwritten: name another file with -o", path)
	}
	_, err := os.Lstat(path)
	r.path, r.created = path, errors.Is(err, os.ErrNotExist)
	r.heed(inputs, msg)
	if r.file, err = openOutput(path, msg); err != nil {
		return nil, err
	}
	r.emptied.Store(true)
	r.to = r.file
	return r, nil
}

// heed has signals end h2trace, and nothing be left that is not whole. The first Ctrl-C does not,
// if a pipe is read: it reaches those who write to it as well, such as h2trace -p, which end
// then.
func (r *result) heed(inputs []os.FileInfo, msg *message.Printer) {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as by nohup
			signal.Notify(signals, s)
		}
	}
	waits := slices.ContainsFunc(inputs, func(i os.FileInfo) bool { return i.Mode()&os.ModeNamedPipe != 0 })
	go func() {
		for s := range signals {
			if waits && s == os.Interrupt {
				waits = false
				msg.Infof("reading what is left in the pipe; Ctrl-C again to give up")
				continue
			}
			r.discard()
			n, _ := s.(syscall.Signal)
			os.Exit(128 + int(n))
		}
	}()
}

// among returns the name of the input that a file is, or "".
func among(inputs []os.FileInfo, file os.FileInfo) string {
	for _, input := range inputs {
		if input.Mode().IsRegular() && os.SameFile(input, file) {
			return input.Name()
		}
	}
	return ""
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
// there before. Nothing can be taken back from stdout, or from a pipe. It is safe for concurrent
// use.
func (r *result) discard() {
	switch {
	case r.path == "":
	case r.created:
		_ = os.Remove(r.path) // there is nobody to tell: this is after an error
	case r.emptied.Load():
		if info, err := os.Stat(r.path); err == nil && info.Mode().IsRegular() {
			_ = os.Truncate(r.path, 0)
		}
	}
}
