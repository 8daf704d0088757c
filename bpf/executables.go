//go:build linux

package bpf

import (
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// Executables are the files that targets run, and their probes. Its methods are safe
// for concurrent use. mu is held while probes are attached, so that no two probes of
// one inode report the same bytes; leave detaches without it. It also guards the Plan
// and the unexported fields of each Executable.
type Executables struct {
	opts    *Options
	packets bool // packets are watched

	mu      sync.Mutex // guards the fields below
	sites   *probeSites
	cache   exeCache
	stopped bool // no more probes are attached
	planned *plannedFile
	// leaving are the executables that leave is detaching; each channel is closed
	// when that is done. leaveErr is the error of these.
	leaving  map[*Executable]chan struct{}
	leaveErr error
	// on says which passing probes are in place.
	on [passingKinds]bool

	// Only New and Stop use the watches.
	leases leaseWatch
	mounts *mountWatch
}

func newExecutables(opts *Options, sites *probeSites, packets bool) *Executables {
	return &Executables{
		opts: opts, sites: sites, packets: packets,
		cache: newExeCache(), leaving: make(map[*Executable]chan struct{}),
	}
}

// watch starts to remove probes when somebody wants to write to their file, or to
// unmount it. planned is a file that will be attached, or nil.
func (x *Executables) watch(planned *plannedFile) error {
	x.planned = planned
	x.leases = watchLeases(x.giveWay)
	var err error
	x.mounts, err = watchMounts(x.leaveMounts)
	return err
}

// unwatch ends the watches.
func (x *Executables) unwatch() {
	if x.leases != nil {
		x.leases.close()
		x.leases = nil
	}
	if x.mounts != nil {
		x.mounts.close()
		x.mounts = nil
	}
}

// stop detaches all probes for good, and closes the links of hooks. The probes come
// first, as the kernel waits longest for them.
func (x *Executables) stop(hooks []link.Link) error {
	defer x.awaitLeaving()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopped = true
	var links []link.Link
	for _, exe := range x.cache.byKey {
		links = append(links, exe.takeLinks()...)
		if exe.lease != nil {
			defer exe.lease.Close()
		}
		exe.lease = nil // one executable can have several keys
	}
	x.cache = newExeCache()
	return closeLinks(slices.Concat(links, hooks))
}

// Attach puts probes into the executable at path, for every process that runs it now
// or later; only targets report. An executable attached before is returned as it is.
// A file that cannot be traced is no error but has Skip set. The caller calls Release
// for each Attach when the process is gone.
func (x *Executables) Attach(path string) (*Executable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return x.AttachFile(f, nil)
}

// AttachFile is Attach for an open file, whatever its path leads to. own is the same file
// through a private mount, or nil. The files stay the caller's.
func (x *Executables) AttachFile(f, own *os.File) (*Executable, error) {
	key, ctime, err := keyOf(f)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	exe := x.known(key, ctime)
	for exe == nil && x.leaveReplaced(key) {
		exe = x.known(key, ctime)
	}
	if exe == nil {
		if exe, err = x.analyze(f, own, key, ctime); err != nil {
			return nil, err
		}
		exe.Since = monotonic()
		x.cache.byKey[key] = exe
	}
	x.cache.use(exe)
	exe.own = own
	defer func() { exe.own = nil }()
	return exe, x.attachPassing(exe, f)
}

// monotonic returns the time of the clock that records use.
func monotonic() ktime.Time {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // this clock always exists
	return ktime.Time(now.Nano())
}

// known returns the executable that was met as this file, or under another of its
// names, or nil. It waits while an inode is losing its probes, and releases x.mu for
// that time.
func (x *Executables) known(key exeKey, ctime unix.Timespec) *Executable {
	for left := x.leavingLike(key); left != nil; left = x.leavingLike(key) {
		x.mu.Unlock()
		<-left
		x.mu.Lock()
	}
	exe := x.cache.byKey[key]
	if exe != nil && exe.Plan == nil && exe.ctime != ctime {
		// The file may have new contents, or be another file by now. Only probes
		// protect an inode from that.
		x.leave(exe)
		return x.known(key, ctime)
	}
	if exe == nil {
		if exe = x.cache.sameInode(key); exe != nil {
			x.cache.rename(exe, key)
			exe.ctime = ctime
			x.cache.byKey[key] = exe
		}
	}
	return exe
}

// withoutPackets detaches all probes, which were chosen as if packets were watched.
func (x *Executables) withoutPackets() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.packets = false
	var err error
	for _, exe := range x.cache.byKey {
		err = errors.Join(err, x.detach(exe))
	}
	x.cache = newExeCache()
	return err
}

// analyze plans a file and attaches its probes.
func (x *Executables) analyze(f, own *os.File, key exeKey, ctime unix.Timespec) (*Executable, error) {
	exe := &Executable{key: key, ctime: ctime, own: own}
	var err error
	exe.Plan, err = x.plan(f, key, ctime)
	if not, ok := errors.AsType[*plan.NotTraceableError](err); ok {
		exe.Skip = not.Reason
		return exe, nil
	}
	if not, ok := errors.AsType[*plan.NoTLSError](err); ok && x.opts.Wire && len(not.Secrets) > 0 {
		// A fork of crypto/tls alone.
		exe.Plan, err = &plan.Plan{GoVersion: not.GoVersion, BuildID: not.BuildID, Types: not.Types, Secrets: not.Secrets}, nil
	} else if ok {
		exe.Skip = not.Error()
		if x.packets && !x.opts.FramesOnly {
			exe.NoTLS = not
		}
		return exe, nil
	}
	if err != nil {
		return nil, err
	}
	exe.Calls = x.byCalls(exe.Plan)
	if x.stopped {
		return exe, nil
	}
	return exe, x.attachPlan(exe, f)
}

// Release says that a process no longer runs an executable. The probes stay for a
// while, see maxIdle. The error is that of probes detached since the last call.
func (x *Executables) Release(exe *Executable) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if evicted := x.cache.release(exe); evicted != nil {
		x.leave(evicted)
	} else if exe.users == 0 && exe.mount == 0 && exe.probed() {
		x.leaveLater(exe)
	}
	err := x.leaveErr
	x.leaveErr = nil
	return err
}

// Probes describes the probes of an executable, without those that time the phases of a
// connection. Its TLS comes from packets if one of them is for plan.KeyLog.
func (x *Executables) Probes(exe *Executable) []plan.Probe {
	x.mu.Lock()
	defer x.mu.Unlock()
	sites := exe.Plan.Sites
	if !exe.Calls {
		sites = x.sitesOf(exe)
	}
	if exe.unix {
		sites = slices.Concat(exe.Plan.Secrets, exe.Plan.Failures, exe.Plan.Sites)
	}
	return plan.Describe(slices.Concat(sites, exe.Verified))
}

// Keeps reports whether an executable keeps its probes as long as it has users, even
// when no process runs it. Without a lease somebody may then write to it. If the
// probes hold its mount, somebody may want to unmount it.
func (x *Executables) Keeps(exe *Executable) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return exe.lease != nil && exe.mount != 0
}

// leaveReplaced detaches the probes of a file whose inode now has other contents:
// they would sit in the middle of other instructions. It reports whether there were
// any.
func (x *Executables) leaveReplaced(now exeKey) (found bool) {
	for key, exe := range x.cache.byKey {
		if key.dev == now.dev && key.ino == now.ino {
			x.leave(exe)
			found = true
		}
	}
	return found
}
