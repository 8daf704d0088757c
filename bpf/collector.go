package bpf

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"h2trace/bpf/plan"
)

// MinBufferSize is the smallest ring buffer that holds a data record of full
// size beside what is kept free for process and connection records.
const MinBufferSize = 64 << 10

// MaxName is the length of the longest name of an executable that can be told
// from a longer one, in bytes.
const MaxName = len(probesExeName{}.Text) - 2

// Options are fixed when a Collector is made.
type Options struct {
	// BufferSize is the ring buffer's size in bytes, a power of two of at
	// least MinBufferSize.
	BufferSize int
	// BodyBytes is how much of each DATA payload is copied.
	BodyBytes int
	// Follow makes children of targets targets, from their first instruction.
	Follow bool
	// Names are base names of executables: each process that executes one
	// becomes a target. They are at most MaxName bytes long.
	Names []string
	// Mode selects the probes; Empty attaches programs that do nothing in
	// their places, to measure what the probes alone cost.
	Mode  plan.Mode
	Empty bool
	// Deaf is a tap, plan.Read or plan.Write, whose probes do nothing unless
	// they are at function entry and RET: to test that this is noticed.
	Deaf plan.Tap
	// FramesOnly leaves out what says nothing of frames: name resolution,
	// handshakes, and what a go command writes to its stderr.
	FramesOnly bool
	// Verify reports the header fields that the processes themselves encode
	// and decode, as events Field and List.
	Verify bool

	compat         bool // as on a kernel that lacks some of optionalFeatures
	unknownRelease bool // as for a Go release whose tls.Conn is not known
}

// Collector is the kernel side of a capture. AddTarget, Attach and Read may be
// called from different goroutines; Read from one at a time.
type Collector struct {
	opts   Options
	probes probesObjects
	hooks  []link.Link
	// noPackets is why packets are not watched.
	noPackets error
	flows     flows
	programs  *programSet // nil when nothing was loaded
	multi     bool        // the uprobe programs attach by uprobe_multi
	Reader

	mu sync.Mutex // guards what follows
	// errorTypes are the tables in error_types.
	errorTypes [][]plan.ErrorType
	exes       exeCache
	sites      siteTable
	layouts    layoutTable
	stopped    bool // no probes are to be attached any more
	// leaving are the executables that leave is at work on: what is closed
	// when it is done. leaveErr is what went wrong in that.
	leaving  map[*Executable]chan struct{}
	leaveErr error
	// recovering says that BeginRecovery's probes are to be in place.
	recovering bool

	leases chan os.Signal
	mounts *mountWatch
}

// New loads the programs and hooks process and socket events. Nothing is
// captured until there are targets and attached executables.
func New(opts Options) (*Collector, error) {
	if opts.BufferSize < MinBufferSize || opts.BufferSize&(opts.BufferSize-1) != 0 {
		return nil, fmt.Errorf("ring buffer of %d bytes: want a power of two of at least %d", opts.BufferSize, MinBufferSize)
	}
	for _, f := range append(capabilities(), pidNamespace(), descriptors()) {
		if f.Err != nil {
			return nil, fmt.Errorf("%s: %w; %s", f.Name, f.Err, f.Advice)
		}
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, withAdvice(fmt.Errorf("lift the locked-memory limit: %w", err))
	}
	c := &Collector{opts: opts, exes: exeCache{byKey: make(map[exeKey]*Executable), most: maxIdle}, leaving: make(map[*Executable]chan struct{})}
	if err := c.load(); err != nil {
		return nil, errors.Join(withAdvice(err), c.Close())
	}
	if err := c.hook(); err != nil {
		return nil, errors.Join(withAdvice(err), c.Close())
	}
	c.watchLeases()
	var err error
	if c.mounts, err = watchMounts(c.leaveMounts); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Collector) hook() error {
	for _, name := range hookPrograms {
		prog, err := c.programs.take(programKey{name: name})
		if err != nil {
			return err
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return fmt.Errorf("attach to a kernel tracepoint: %w", err)
		}
		c.hooks = append(c.hooks, l)
	}
	return nil
}

// AddTarget makes a process report, and with Options.Follow all that it forks
// from now on.
func (c *Collector) AddTarget(pid int) error {
	if err := c.probes.Targets.Put(uint32(pid), uint32(0)); err != nil {
		return fmt.Errorf("observe process %d: %w", pid, err)
	}
	return nil
}

// RemoveTarget ends the reports of a process.
func (c *Collector) RemoveTarget(pid int) error {
	err := c.probes.Targets.Delete(uint32(pid))
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("leave process %d: %w", pid, err)
	}
	return nil
}

// Targets lists the processes that report now.
func (c *Collector) Targets() ([]int, error) {
	var pids []int
	var pid, life uint32
	it := c.probes.Targets.Iterate()
	for it.Next(&pid, &life) {
		pids = append(pids, int(pid))
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("list the observed processes: %w", err)
	}
	return pids, nil
}

// LifeOf returns which life of a process reports now, if it is a target. The
// kernel ends it at the exec or exit.
func (c *Collector) LifeOf(pid int) (Life, bool) {
	var life uint32
	if err := c.probes.Targets.Lookup(uint32(pid), &life); err != nil {
		return 0, false
	}
	return Life(life), true
}

// TargetMap is the map whose keys are the processes that report now, for those
// who must know without asking this process. It belongs to the Collector.
func (c *Collector) TargetMap() *ebpf.Map { return c.probes.Targets }

// Stop ends the capture: no target is left and all probes are detached.
// Records that are in the buffer can still be read.
func (c *Collector) Stop() error {
	if c.probes.Targets == nil {
		return nil // nothing was loaded
	}
	c.unwatchLeases()
	if c.mounts != nil {
		c.mounts.close()
		c.mounts = nil
	}
	pids, err := c.Targets()
	for _, pid := range pids {
		err = errors.Join(err, c.RemoveTarget(pid))
	}
	defer c.awaitLeaving()
	links := c.hooks
	c.hooks = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, exe := range c.exes.byKey {
		links = append(links, exe.takeLinks()...)
		if exe.lease != nil {
			defer exe.lease.Close()
		}
		exe.lease = nil // one can be there under several keys
	}
	c.exes = exeCache{byKey: make(map[exeKey]*Executable)}
	return errors.Join(err, closeLinks(links))
}

// Close stops the capture and frees everything.
func (c *Collector) Close() error {
	err := errors.Join(c.Stop(), c.closeRing())
	if c.programs != nil {
		err = errors.Join(err, c.programs.close())
	}
	return errors.Join(err, c.flows.close(), c.probes.Close())
}
