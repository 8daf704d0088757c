package bpf

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
)

// A probe, and a lease, hold the mount that the file was opened through, and a
// mount that is held cannot be unmounted (EBUSY). So h2trace makes a mount of
// its own for each file with probes, which nobody else sees. The file system
// itself is then held until its probes are gone: h2trace takes them away when
// the mount that it met the file on is no longer there.

// throughOwnMount reopens a file through a mount that belongs to whoever has
// the result, and those who open that again. It fails without CAP_SYS_ADMIN,
// and for files of other mount namespaces.
func throughOwnMount(f *os.File) (*os.File, error) {
	fd, err := unix.OpenTree(int(f.Fd()), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return nil, os.NewSyscallError("open_tree", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// mountOf returns the number of the mount that a file was opened through, as
// mountinfo has it, or 0.
func mountOf(f *os.File) uint64 {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	if err != nil || st.Mask&unix.STATX_MNT_ID == 0 {
		return 0
	}
	return st.Mnt_id
}

// listedMountOf returns that number if mountinfo has it, so that it can be told
// when the mount goes, or 0. In a chroot(2), what the root is on is not listed.
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
	wake  *os.File // the writing end of a pipe; closed, it ends the watch
	done  chan struct{}
}

// watchMounts calls changed when mounts came or went in the mount namespace of
// this process.
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

// mountIDs returns the numbers of the mounts there are.
func mountIDs() (map[uint64]bool, error) {
	list, err := mounts.Of("self")
	ids := make(map[uint64]bool, len(list))
	for _, m := range list {
		ids[uint64(m.ID)] = true
	}
	return ids, err
}

// leaveMounts takes the probes from the executables whose mount is gone, from
// those that a process runs still when it ends. What is known of files without
// probes is forgotten: their numbers can be those of other files now.
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

// idleTime is how long probes stay when no process runs their executable and
// its mount is held with them.
const idleTime = 5 * time.Second

// leaveLater takes the probes from an idle executable after idleTime.
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
