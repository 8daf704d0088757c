// Package mounts lists mounts, reports when they change, makes private ones, and finds the
// directories of cgroups, which lie in some.
package mounts

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Of returns the mounts that a process sees; "self" is this one.
func Of(process string) ([]*mountinfo.Info, error) {
	b, err := os.ReadFile("/proc/" + process + "/mountinfo")
	if err != nil {
		return nil, err
	}
	return parse(b)
}

// parse reads the format of proc_pid_mountinfo(5). The library refuses lines of 64
// KiB and more. The options of an overlay, which are last in a line, can be that
// long, as they list its layers. parse cuts them off.
func parse(b []byte) ([]*mountinfo.Info, error) {
	const longest = bufio.MaxScanTokenSize - 1
	var lines []io.Reader
	for line := range bytes.Lines(b) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		line = line[:min(len(line), longest-1)]
		lines = append(lines, bytes.NewReader(line), bytes.NewReader([]byte("\n")))
	}
	return mountinfo.GetMountsFromReader(io.MultiReader(lines...), nil)
}

// Watch reports changes of the mounts in the mount namespace of this process.
type Watch struct{ fd int }

// NewWatch begins to watch.
func NewWatch() (Watch, error) {
	// Package os would poll it too, and each change is reported only once.
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return Watch{fd}, os.NewSyscallError("open mountinfo", err)
}

// PollFd is the poll(2) entry: POLLPRI, once after each change.
func (w Watch) PollFd() unix.PollFd { return unix.PollFd{Fd: int32(w.fd), Events: unix.POLLPRI} }

// Close ends the watch. The caller must not poll it any more.
func (w Watch) Close() error { return os.NewSyscallError("close mountinfo", unix.Close(w.fd)) }
