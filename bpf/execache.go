package bpf

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// maxIdle is how many executables that no process runs keep their probes, for
// the next process that runs them. A build runs the same few again and again;
// go test makes a new one for each package.
const maxIdle = 64

// maxNames is under how many names of overlays an executable is remembered.
const maxNames = 64

// exeKey names the contents of a file: a rebuilt executable is another one,
// also when it took the old one's inode.
type exeKey struct {
	dev, ino   uint64
	size       int64
	mtimeSec   int64
	mtimeNanos int64
	overlay    bool // on overlayfs
}

// exeCache holds the executables that were looked at. Executables.mu guards it.
type exeCache struct {
	byKey map[exeKey]*Executable
	idle  []*Executable // without users, the longest idle first
	most  int           // of idle
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

// sameOverlaid tells whether two files are names of one of which one at least is
// on overlayfs. A probe belongs to an inode, and for a file of overlayfs to that
// in its layer, which is also found by its own path and in every other overlay
// of that layer. Attached under each of its names, a probe would report all
// bytes as often. overlayfs shows the inode number, size and times of the file
// in the layer.
func (k exeKey) sameOverlaid(other exeKey) bool {
	if !k.overlay && !other.overlay {
		return false
	}
	other.dev, other.overlay = k.dev, k.overlay
	return other == k
}

// sharesInode tells whether probes of one file are probes of the other.
func (k exeKey) sharesInode(other exeKey) bool {
	return k.dev == other.dev && k.ino == other.ino || k.sameOverlaid(other)
}

// rename enters another name of an executable. Of names that containers came and
// went with, the oldest are forgotten.
func (x *exeCache) rename(exe *Executable, key exeKey) {
	if len(exe.other) == maxNames {
		delete(x.byKey, exe.other[0])
		exe.other = slices.Delete(exe.other, 0, 1)
	}
	exe.other = append(exe.other, key)
}

// use counts one more process, which takes an idle executable back.
func (x *exeCache) use(exe *Executable) {
	exe.users++
	if exe.users == 1 {
		x.dropIdle(exe)
	}
}

// release counts one process less and returns the executable that has been
// idle for too long now, or nil.
func (x *exeCache) release(exe *Executable) *Executable {
	exe.users--
	if exe.users > 0 || x.byKey[exe.key] != exe {
		return nil
	}
	if exe.probed() && exe.lease == nil || exe.unmounted {
		return exe // it may be overwritten any time, now that nobody runs it
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

// keyOf also returns when the file was changed last, by its contents or
// otherwise. Unlike the other times, nobody can set that.
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
