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
func (x *Executables) leave(exe *Executable) {
	x.cache.drop(exe)
	x.cache.dropIdle(exe)
	if !exe.probed() || len(x.leaving) >= maxLeaving {
		x.leaveErr = errors.Join(x.leaveErr, x.detach(exe))
		return
	}
	links := exe.takeLinks()
	left := make(chan struct{})
	x.leaving[exe] = left
	go func() {
		defer close(left)
		err := closeLinks(links)
		x.mu.Lock()
		defer x.mu.Unlock()
		// What is left: sites, and the lease, for whose end others wait.
		x.leaveErr = errors.Join(x.leaveErr, err, x.detach(exe))
		delete(x.leaving, exe)
	}()
}

// leavingLike returns what is closed when an executable of the same inode has
// lost its probes, or nil.
func (x *Executables) leavingLike(key exeKey) <-chan struct{} {
	for exe, left := range x.leaving {
		if exe.key.sharesInode(key) || slices.ContainsFunc(exe.other, key.sharesInode) {
			return left
		}
	}
	return nil
}

// awaitLeaving waits until all executables that are to lose their probes have.
// The caller must not hold x.mu.
func (x *Executables) awaitLeaving() {
	for {
		x.mu.Lock()
		var left chan struct{}
		for _, left = range x.leaving {
			break
		}
		x.mu.Unlock()
		if left == nil {
			return
		}
		<-left
	}
}

// detach takes away all that an executable has.
func (x *Executables) detach(exe *Executable) error {
	err := closeLinks(exe.takeLinks())
	err = errors.Join(err, x.sites.free(exe))
	exe.recovery = recoveryProbes{}
	return errors.Join(err, exe.unsecure()) // after the probes, for whom others wait
}
