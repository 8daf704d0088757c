package bpf

import (
	"errors"
	"os"
	"slices"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// maxIdle is how many executables that no process runs keep their probes, for
// the next process that runs them. A build runs the same few again and again;
// go test makes a new one for each package.
const maxIdle = 64

// maxNames is under how many names of overlays an executable is remembered.
const maxNames = 64

// Executable is a file that was looked at, and attached to when it can be
// traced.
type Executable struct {
	// Plan is nil when the file cannot be traced; then Skip says why. It is
	// replaced by Replace: see PlanOf.
	Plan *plan.Plan
	Skip string
	// NoTLS is set where Skip is, and HTTP without TLS would be seen.
	NoTLS *plan.NoTLSError
	// Verified are the places of Options.Verify, of those that it has.
	Verified []plan.Site
	// Since is when its probes were in place; what its processes did before is not seen.
	Since ktime.Time

	key   exeKey
	other []exeKey // of the same inode, see sameInode
	users int
	links []tapLink
	// witnesses are what Watch attached, by direction.
	witnesses [2][]link.Link
	// The programs in use, and where they find the values, unless in themselves.
	programs []programKey
	sites    []uint32
	lease    *os.File // nil where the file cannot be leased
	// mount is that of the file, and 0 while the probes hold it, or its end would
	// not be told; unmounted says that it is gone.
	mount     uint64
	unmounted bool
	released  uint64 // how often it became idle
	ctime     unix.Timespec
	// recovery is what BeginRecovery attaches.
	recovery recovery
}

// types returns what the executable calls the types that lead to a socket.
func (exe *Executable) types() plan.Types {
	switch {
	case exe.Plan != nil:
		return exe.Plan.Types
	case exe.NoTLS != nil:
		return exe.NoTLS.Types
	}
	return plan.Types{}
}

// recovers tells whether the state of connections may be recovered in it: also of
// those without TLS, where it has no other.
func (exe *Executable) recovers() bool { return exe.Plan != nil || exe.NoTLS != nil }

// probed tells whether it has probes.
func (exe *Executable) probed() bool { return len(exe.links)+len(exe.recovery.links) > 0 }

// Is tells whether an executable is the file that a process executed. On
// overlayfs that cannot be told by its number, and nothing speaks against it.
func (exe *Executable) Is(image Image) bool {
	is := func(key exeKey) bool { return key.overlay || key.ino == image.Inode }
	return exe.key.size == image.Size && (is(exe.key) || slices.ContainsFunc(exe.other, is))
}

// exeKey names the contents of a file: a rebuilt executable is another one,
// also when it took the old one's inode.
type exeKey struct {
	dev, ino   uint64
	size       int64
	mtimeSec   int64
	mtimeNanos int64
	overlay    bool // on overlayfs
}

// exeCache holds the executables that were looked at.
type exeCache struct {
	byKey map[exeKey]*Executable
	idle  []*Executable // without users, the longest idle first
	most  int           // of idle
}

// Attach puts probes into the executable at path, for every process that runs
// it now or later; only targets report. An executable attached before is
// returned as it is. What cannot be traced is no error but has Skip set. Each
// Attach is to be followed by a Release when its process is gone.
func (c *Collector) Attach(path string) (*Executable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return c.AttachFile(f)
}

// AttachFile is Attach for a file that is open, whatever its path leads to. It
// stays the caller's.
func (c *Collector) AttachFile(f *os.File) (*Executable, error) {
	key, ctime, err := keyOf(f)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	exe := c.known(key, ctime)
	for exe == nil && c.leaveReplaced(key) {
		exe = c.known(key, ctime)
	}
	if exe == nil {
		if exe, err = c.analyze(f, key); err != nil {
			return nil, err
		}
		exe.ctime, exe.Since = ctime, monotonic()
		c.exes.byKey[key] = exe
	}
	c.exes.use(exe)
	if c.recovering && exe.recovers() {
		return exe, c.attachRecovery(exe, f)
	}
	return exe, nil
}

// monotonic returns the time of the clock that records have theirs from.
func monotonic() ktime.Time {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // there is that clock
	return ktime.Time(now.Nano())
}

// known returns the executable that was met as this file, or under another name
// of it, or nil. It waits until an inode has lost the probes it is to lose, for
// which it lets go of c.mu.
func (c *Collector) known(key exeKey, ctime unix.Timespec) *Executable {
	for left := c.leavingLike(key); left != nil; left = c.leavingLike(key) {
		c.mu.Unlock()
		<-left
		c.mu.Lock()
	}
	exe := c.exes.byKey[key]
	if exe != nil && exe.Plan == nil && exe.ctime != ctime {
		// It may hold something else, or be another file by now. Nothing but
		// the probes keeps an inode from that.
		c.leave(exe)
		return c.known(key, ctime)
	}
	if exe == nil {
		if exe = c.exes.sameInode(key); exe != nil {
			c.exes.rename(exe, key)
			exe.ctime = ctime
			c.exes.byKey[key] = exe
		}
	}
	return exe
}

// analyze makes the plan for a file and attaches it.
func (c *Collector) analyze(f *os.File, key exeKey) (*Executable, error) {
	exe := &Executable{key: key}
	var err error
	exe.Plan, err = plan.Analyze(f, c.opts.Mode)
	if not, ok := errors.AsType[*plan.NotTraceableError](err); ok {
		exe.Skip = not.Reason
		return exe, nil
	}
	if not, ok := errors.AsType[*plan.NoTLSError](err); ok {
		exe.Skip = not.Error()
		if c.noPackets == nil && !c.opts.FramesOnly {
			exe.NoTLS = not
		}
		return exe, nil
	}
	if err != nil {
		return nil, err
	}
	if c.stopped {
		return exe, nil
	}
	return exe, c.attachPlan(exe, f)
}

// Release says that a process no longer runs an executable. It keeps its
// probes for a while, see maxIdle. The error is of probes that were taken away
// since the last call.
func (c *Collector) Release(exe *Executable) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if evicted := c.exes.release(exe); evicted != nil {
		c.leave(evicted)
	} else if exe.users == 0 && exe.mount == 0 && exe.probed() {
		c.leaveLater(exe)
	}
	err := c.leaveErr
	c.leaveErr = nil
	return err
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

// leaveReplaced takes the probes from a file whose inode now holds something
// else: they would sit in the middle of other instructions. It tells whether
// there were any.
func (c *Collector) leaveReplaced(now exeKey) (found bool) {
	for key, exe := range c.exes.byKey {
		if key.dev == now.dev && key.ino == now.ino {
			c.leave(exe)
			found = true
		}
	}
	return found
}
