//go:build linux

package bpf

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// A uprobe belongs to an inode, not to its contents. If a file with probes is
// overwritten in place and run again, the kernel puts its breakpoints into the middle
// of other instructions, and the program dies. So h2trace holds a read lease
// (fcntl(2), F_SETLEASE) on each file with probes: whoever opens it for writing or
// truncates it waits until the probes are gone. A file that a process runs cannot be
// opened for writing anyway.

// lease takes a read lease on the file that f has open, and returns its holder. It
// returns nil if somebody is writing to the file or its file system has no leases.
func lease(f *os.File) *os.File {
	own, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil
	}
	if _, err := unix.FcntlInt(own.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		_ = own.Close()
		return nil
	}
	return own
}

// leaseBroken reports whether somebody waits for the lease to end.
func leaseBroken(held *os.File) bool {
	kind, err := unix.FcntlInt(held.Fd(), unix.F_GETLEASE, 0)
	return err == nil && kind == unix.F_UNLCK
}

// leaseWatch calls back when somebody wants to write to a file with a lease. The
// kernel sends SIGIO, and waits for at most /proc/sys/fs/lease-break-time.
type leaseWatch chan os.Signal

func watchLeases(giveWay func()) leaseWatch {
	broken := make(leaseWatch, 1)
	signal.Notify(broken, unix.SIGIO)
	go func() {
		for range broken {
			giveWay()
		}
	}()
	return broken
}

// close ends the watch.
func (w leaseWatch) close() {
	signal.Stop(w)
	close(w)
}

// giveWay detaches the probes of executables that somebody wants to write to.
func (x *Executables) giveWay() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, exe := range x.cache.byKey {
		if exe.lease != nil && leaseBroken(exe.lease) {
			x.leave(exe)
		}
	}
}
