//go:build linux

package bpf

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
)

// A probe and a lease hold the mount that the file was opened through, and a held
// mount cannot be unmounted (EBUSY). So h2trace creates a private mount for each file
// with probes. Then only the file system itself is held, until its probes are gone.
// h2trace detaches them when the mount on which it found the file disappears.

// throughOwnMount reopens a file through a private mount, which lives as long as the
// result and whatever reopens it. It fails without CAP_SYS_ADMIN, and for files of
// other mount namespaces.
func throughOwnMount(f *os.File) (*os.File, error) {
	fd, err := mounts.Own(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// mountOf returns the id of the mount that a file was opened through, as in
// mountinfo, or 0.
func mountOf(f *os.File) uint64 {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	if err != nil || st.Mask&unix.STATX_MNT_ID == 0 {
		return 0
	}
	return st.Mnt_id
}

// listedMountOf returns that id if mountinfo lists it, so that its end can be
// noticed, or 0. In a chroot(2), the mount of the root is not listed.
func listedMountOf(f *os.File) uint64 {
	id := mountOf(f)
	if mounted, err := mountIDs(); err != nil || !mounted[id] {
		return 0
	}
	return id
}

// mountWatch reports mounts that come and go.
type mountWatch struct {
	watch mounts.Watch
	wake  *os.File // the writing end of a pipe; closing it ends the watch
	done  chan struct{}
}

// watchMounts calls changed when mounts come or go in the mount namespace of this
// process.
func watchMounts(changed func(mounted map[uint64]bool)) (*mountWatch, error) {
	watch, err := mounts.NewWatch()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, watch.Close())
	}
	m := &mountWatch{watch: watch, wake: w, done: make(chan struct{})}
	polled := []unix.PollFd{watch.PollFd(), {Fd: int32(r.Fd())}}
	go func() {
		defer close(m.done)
		defer r.Close()
		for {
			if _, err := unix.Poll(polled, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if polled[1].Revents != 0 {
				return
			}
			if polled[0].Revents != 0 {
				if mounted, err := mountIDs(); err == nil {
					changed(mounted)
				}
			}
		}
	}()
	return m, nil
}

// close ends the watch and waits for its last call.
func (m *mountWatch) close() {
	_ = m.wake.Close()
	<-m.done
	_ = m.watch.Close()
}

// mountIDs returns the ids of all mounts.
func mountIDs() (map[uint64]bool, error) {
	list, err := mounts.Of("self")
	ids := make(map[uint64]bool, len(list))
	for _, m := range list {
		ids[uint64(m.ID)] = true
	}
	return ids, err
}

// leaveMounts detaches the probes of executables whose mount is gone; an executable
// that a process still runs loses them when that ends. It forgets files without
// probes, because their mount ids may now belong to other files.
func (x *Executables) leaveMounts(mounted map[uint64]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, exe := range x.cache.byKey {
		exe.unmounted = exe.mount != 0 && !mounted[exe.mount]
		if exe.users == 0 && (exe.unmounted || exe.Plan == nil) {
			x.leave(exe)
		}
	}
}

// idleTime is how long probes stay when no process runs their executable and they
// hold its mount.
const idleTime = 5 * time.Second

// leaveLater detaches the probes of an idle executable after idleTime.
func (x *Executables) leaveLater(exe *Executable) {
	exe.released++
	turn := exe.released
	time.AfterFunc(idleTime, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if !x.stopped && exe.users == 0 && exe.released == turn {
			x.leave(exe)
		}
	})
}
