package main

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// errReaderGone says that the other end of the output pipe or socket was
// closed. It ends the observing, as the end of any pipeline does, and is no
// error to report.
var errReaderGone = errors.New("output reader is gone")

// output is where events go. A write error sticks: after it nothing is
// written, so that what is there is a prefix of the events. Write and Close are
// for one goroutine; Gone is for any.
type output struct {
	file *os.File
	err  error
	gone chan struct{}
	once sync.Once
	stop func() // ends the watch for the reader
}

// openOutput opens the file that -o names, or a copy of stdout for "" and "-".
//
// A new file is readable by its owner only: what it will hold was meant to be
// encrypted. With -u the user becomes that owner. A file that exists is cut to
// zero and keeps its owner and permissions. Symbolic links are followed, as
// strace and tcpdump do. Named pipes (the open waits for a reader), terminals
// and /dev/null are fine; directories, sockets and block devices are refused.
func openOutput(path string, owner *account) (*output, error) {
	var file *os.File
	var err error
	if stdoutIsData(path) {
		file, err = copyStdout()
	} else {
		file, err = openFile(path, owner)
	}
	if err != nil {
		return nil, err
	}
	o := &output{file: file, gone: make(chan struct{})}
	if o.stop, err = watchReader(file, o.readerGone); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return o, nil
}

// stdoutIsData reports whether events go to stdout.
func stdoutIsData(path string) bool { return path == "" || path == "-" }

// copyStdout returns stdout under another descriptor. A write that fails on
// descriptor 1 because nobody reads raises SIGPIPE in Go programs; on others it
// returns EPIPE.
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

func openFile(path string, owner *account) (*os.File, error) {
	const flags = os.O_WRONLY | unix.O_NOCTTY | unix.O_CLOEXEC
	file, err := os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil && owner != nil:
		// File systems without owners refuse; the events are worth more.
		_ = file.Chown(owner.uid, owner.gid)
	case errors.Is(err, os.ErrExist):
		// O_CREATE again, for a symbolic link to a file that is not there yet.
		file, err = os.OpenFile(path, flags|os.O_CREATE, 0o600)
		if err == nil {
			err = emptyFile(file)
		}
	}
	if err != nil {
		if file != nil {
			_ = file.Close()
		}
		return nil, err
	}
	return file, nil
}

// emptyFile cuts a regular file to zero and refuses what events would destroy.
func emptyFile(file *os.File) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return file.Truncate(0)
	case info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0:
		return fmt.Errorf("%s is a block device", file.Name())
	default:
		return nil
	}
}

// Write writes events. Once it has returned an error it returns that one
// always; errReaderGone stands for every way in which a reader leaves.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.file.Write(p)
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		o.err = errReaderGone
		o.readerGone()
	case err != nil:
		o.err = err
	}
	return n, o.err
}

// Close closes the output and returns the first error that it met; some file
// systems tell of a full disk only now.
func (o *output) Close() error {
	o.stop()
	if err := o.file.Close(); o.err == nil && err != nil {
		o.err = err
	}
	if errors.Is(o.err, errReaderGone) {
		return nil
	}
	return o.err
}

// Gone is closed when there is nobody left to read the events.
func (o *output) Gone() <-chan struct{} { return o.gone }

func (o *output) readerGone() { o.once.Do(func() { close(o.gone) }) }
