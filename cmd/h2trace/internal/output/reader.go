package output

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// watchReader calls gone when the last reader of a pipe leaves. Otherwise only the
// next write would notice, and on a quiet connection a pipeline would hang until
// then. On anything but a pipe it does nothing. The function that it returns ends the
// watch, and waits for its end.
func watchReader(file *os.File, gone func()) (stop func(), err error) {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return func() {}, err
	}
	// A separate descriptor: nobody else may close a polled one.
	pipe, err := duplicate(file)
	if err != nil {
		return nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(pipe)
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if readerLeft(pipe, wake) {
			gone()
		}
		unix.Close(pipe)
	}()
	return func() {
		_, _ = unix.Write(wake, binary.NativeEndian.AppendUint64(nil, 1))
		<-done
		unix.Close(wake)
	}, nil
}

// readerLeft blocks until the pipe has no reader, or wake is written to.
func readerLeft(pipe, wake int) bool {
	for {
		// The pipe needs no requested event: POLLERR always comes.
		fds := []unix.PollFd{{Fd: int32(pipe)}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		switch {
		case fds[1].Revents != 0:
			return false
		case fds[0].Revents != 0:
			return true
		}
	}
}

// duplicate returns another descriptor of the open file.
func duplicate(file *os.File) (fd int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return -1, err
	}
	ctlErr := raw.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3)
	})
	return fd, errors.Join(ctlErr, err)
}
