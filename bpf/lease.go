package bpf

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// A uprobe belongs to an inode, not to what the inode holds. When a file that
// has probes is overwritten in place and run again, the kernel puts its
// breakpoints into the middle of other instructions, and the program dies. So
// h2trace holds a read lease (fcntl(2), F_SETLEASE) on each file that it has
// probes in: whoever opens it for writing or cuts it waits until the probes are
// gone. A file that a process runs cannot be opened for writing anyway.

// lease takes a read lease on the file that f has open, and returns what holds
// it: nil where there can be none, because somebody is writing to the file or
// its file system has no leases.
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

// Keeps tells whether an executable keeps its probes as long as it has users,
// also when no process runs it. Without a lease somebody may write to it then,
// and where the probes hold its mount somebody may want that back.
func (c *Collector) Keeps(exe *Executable) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return exe.lease != nil && exe.mount != 0
}

// watchLeases gives way to those who want to write to a file with probes. The
// kernel tells with SIGIO, and waits for /proc/sys/fs/lease-break-time at most.
func (c *Collector) watchLeases() {
	broken := make(chan os.Signal, 1)
	c.leases = broken
	signal.Notify(broken, unix.SIGIO)
	go func() {
		for range broken {
			c.giveWay()
		}
	}()
}

// unwatchLeases ends watchLeases.
func (c *Collector) unwatchLeases() {
	if c.leases != nil {
		signal.Stop(c.leases)
		close(c.leases)
		c.leases = nil
	}
}

func (c *Collector) giveWay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, exe := range c.exes.byKey {
		if exe.lease != nil && leaseBroken(exe.lease) {
			c.leave(exe)
		}
	}
}
