//go:build linux

package bpf

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// maxIdle is how many executables that no process runs keep their probes, for the
// next process that runs them. A build runs the same few again and again; go test
// builds a new one for each package.
const maxIdle = 64

// maxNames is how many overlay names of an executable are remembered.
const maxNames = 64

// exeKey identifies the contents of a file: a rebuilt executable is a new one, even
// if it reuses the inode of the old one.
type exeKey struct {
	dev, ino   uint64
	size       int64
	mtimeSec   int64
	mtimeNanos int64
	overlay    bool // on overlayfs
}

// exeCache holds the known executables. Executables.mu guards it.
type exeCache struct {
	byKey map[exeKey]*Executable
	idle  []*Executable // without users, longest idle first
	most  int           // number of idle ones
}

func newExeCache() exeCache {
	return exeCache{byKey: make(map[exeKey]*Executable), most: maxIdle}
}

// drop forgets an executable under all of its keys.
func (x *exeCache) drop(exe *Executable) {
	delete(x.byKey, exe.key)
	for _, key := range exe.other {
		delete(x.byKey, key)
	}
}

// sameInode returns the executable that a file is another name of, or nil.
func (x *exeCache) sameInode(key exeKey) *Executable {
	for _, exe := range x.byKey {
		if exe.key.sameOverlaid(key) {
			return exe
		}
	}
	return nil
}

// sameOverlaid reports whether two files are names of one file, where at least one is
// on overlayfs. A probe belongs to an inode. For a file of overlayfs, this is the
// inode in its layer, which has its own path and appears in every other overlay of
// that layer. Probes attached under each name would report all bytes that many times.
// overlayfs shows the inode number, size and times of the file in the layer.
func (k exeKey) sameOverlaid(other exeKey) bool {
	if !k.overlay && !other.overlay {
		return false
	}
	other.dev, other.overlay = k.dev, k.overlay
	return other == k
}

// sharesInode reports whether probes of one file are probes of the other.
func (k exeKey) sharesInode(other exeKey) bool {
	return k.dev == other.dev && k.ino == other.ino || k.sameOverlaid(other)
}

// rename enters another name of an executable. It forgets the oldest of the names
// from containers that came and went.
func (x *exeCache) rename(exe *Executable, key exeKey) {
	if len(exe.other) == maxNames {
		delete(x.byKey, exe.other[0])
		exe.other = slices.Delete(exe.other, 0, 1)
	}
	exe.other = append(exe.other, key)
}

// use counts one more process, and makes an idle executable active again.
func (x *exeCache) use(exe *Executable) {
	exe.users++
	if exe.users == 1 {
		x.dropIdle(exe)
	}
}

// release counts one process less, and returns the executable that has now been idle
// for too long, or nil.
func (x *exeCache) release(exe *Executable) *Executable {
	exe.users--
	if exe.users > 0 || x.byKey[exe.key] != exe {
		return nil
	}
	if exe.probed() && exe.lease == nil || exe.unmounted {
		return exe // it may be overwritten any time, as no process runs it
	}
	x.idle = append(x.idle, exe)
	if len(x.idle) <= x.most {
		return nil
	}
	evicted := x.idle[0]
	x.idle = x.idle[1:]
	return evicted
}

func (x *exeCache) dropIdle(exe *Executable) {
	for i, e := range x.idle {
		if e == exe {
			x.idle = append(x.idle[:i:i], x.idle[i+1:]...)
			return
		}
	}
}

// keyOf also returns the time of the last change, of contents or metadata. Unlike the
// other times, nobody can set it.
func keyOf(f *os.File) (exeKey, unix.Timespec, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return exeKey{}, st.Ctim, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return exeKey{}, st.Ctim, &os.PathError{Op: "statfs", Path: f.Name(), Err: err}
	}
	overlay := fs.Type == unix.OVERLAYFS_SUPER_MAGIC
	return exeKey{st.Dev, st.Ino, st.Size, st.Mtim.Sec, st.Mtim.Nsec, overlay}, st.Ctim, nil
}
