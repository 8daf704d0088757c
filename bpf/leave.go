//go:build linux

package bpf

import (
	"errors"
	"slices"
)

// maxLeaving is how many executables may be detached in the background at a time.
const maxLeaving = 32

// leave forgets an executable and detaches its probes. The kernel waits for grace
// periods, 0.05 s and more, and executables held at exec must not wait as well. So
// leave detaches in the background. Until that is done nothing attaches to the inode
// again, because old and new probes would both report.
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
		// The rest: sites, and the lease, whose end others wait for.
		x.leaveErr = errors.Join(x.leaveErr, err, x.detach(exe))
		delete(x.leaving, exe)
	}()
}

// leavingLike returns the channel that is closed when an executable of the same inode
// has lost its probes, or nil.
func (x *Executables) leavingLike(key exeKey) <-chan struct{} {
	for exe, left := range x.leaving {
		if exe.key.sharesInode(key) || slices.ContainsFunc(exe.other, key.sharesInode) {
			return left
		}
	}
	return nil
}

// awaitLeaving waits until all executables that leave is detaching have lost their
// probes. The caller must not hold x.mu.
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

// detach removes all that an executable has attached.
func (x *Executables) detach(exe *Executable) error {
	err := closeLinks(exe.takeLinks())
	err = errors.Join(err, x.sites.free(exe))
	exe.passing = [passingKinds]passingProbes{}
	return errors.Join(err, exe.unsecure()) // after the probes: others wait for it
}
