package bpf

import (
	"errors"
	"slices"
)

// maxLeaving is how many executables may be losing their probes at a time
// without anybody waiting for it.
const maxLeaving = 32

// leave forgets an executable and takes its probes away. The kernel lets that
// wait for grace periods, 0.05 s and more, and executables that are held at exec
// must not wait for it too. So it is done beside; until then nothing is attached
// to the inode again, as old and new probes would both report.
func (c *Collector) leave(exe *Executable) {
	c.exes.drop(exe)
	c.exes.dropIdle(exe)
	if !exe.probed() || len(c.leaving) >= maxLeaving {
		c.leaveErr = errors.Join(c.leaveErr, c.detach(exe))
		return
	}
	links := exe.takeLinks()
	left := make(chan struct{})
	c.leaving[exe] = left
	go func() {
		defer close(left)
		err := closeLinks(links)
		c.mu.Lock()
		defer c.mu.Unlock()
		// What is left: sites, and the lease, for whose end others wait.
		c.leaveErr = errors.Join(c.leaveErr, err, c.detach(exe))
		delete(c.leaving, exe)
	}()
}

// leavingLike returns what is closed when an executable of the same inode has
// lost its probes, or nil.
func (c *Collector) leavingLike(key exeKey) <-chan struct{} {
	for exe, left := range c.leaving {
		if exe.key.sharesInode(key) || slices.ContainsFunc(exe.other, key.sharesInode) {
			return left
		}
	}
	return nil
}

// awaitLeaving waits until all executables that are to lose their probes have.
// The caller must not hold c.mu.
func (c *Collector) awaitLeaving() {
	for {
		c.mu.Lock()
		var left chan struct{}
		for _, left = range c.leaving {
			break
		}
		c.mu.Unlock()
		if left == nil {
			return
		}
		<-left
	}
}

// detach takes away all that an executable has.
func (c *Collector) detach(exe *Executable) error {
	err := closeLinks(exe.takeLinks())
	for _, index := range exe.sites {
		c.sites.free(index)
	}
	for _, key := range exe.programs {
		err = errors.Join(err, c.programs.drop(key))
	}
	exe.sites, exe.programs, exe.recovery = nil, nil, recovery{}
	return errors.Join(err, exe.unsecure()) // after the probes, for whom others wait
}
