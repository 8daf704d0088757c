//go:build linux

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// MinBufferSize is the smallest ring buffer that holds a full-size data record and
// the reserve for process and connection records.
const MinBufferSize = 64 << 10

// MaxName is the length in bytes of the longest executable name that the kernel side
// can distinguish from a longer one.
const MaxName = len(probesExeName{}.Text) - 2

// MaxCgroups is how many cgroups can be observed.
const MaxCgroups = 16

// Options are fixed when a Collector is created.
type Options struct {
	// BufferSize is the size of the ring buffer in bytes, a power of two of at least
	// MinBufferSize.
	BufferSize int
	// Bodies says that payload of DATA frames is wanted. Without TLS it is left out else.
	Bodies bool
	// Follow makes children of targets targets, from their first instruction.
	Follow bool
	// Names are base names of executables: each process that executes one becomes a
	// target. They are at most MaxName bytes long.
	Names []string
	// Cgroups are directories of cgroup v2: each process in one of them, or below, that
	// executes a program becomes a target. There are at most MaxCgroups.
	Cgroups []string
	// Mode selects the probes. Empty attaches programs that do nothing in their
	// places, which measures the cost of the probes alone.
	Mode  plan.Mode
	Empty bool
	// Deaf is a tap, plan.Read or plan.Write, whose probes do nothing. Tests use it:
	// h2trace must notice.
	Deaf plan.Tap
	// FramesOnly skips everything except frames: name resolution, handshakes, and
	// what a go command writes to its stderr.
	FramesOnly bool
	// Wire takes what TLS connections carry from their packets and session secrets,
	// where packets can be watched. Then an executable has probes only where a handshake
	// derives its secrets, if such places are found.
	Wire bool
	// NoCalls forgoes the probes on Read and Write of crypto/tls.
	NoCalls bool
	// Capture is the size of the buffer of whole packets in bytes, a power of two; 0 copies
	// none.
	Capture int
	// First is a file that a target will execute: its probes are attached while the rest is
	// loaded. "" is none.
	First string
	// Meanwhile is called while programs are loaded, when there are Targets and
	// Executables. It must attach nothing: what probes are for is not decided yet. nil
	// is nothing.
	Meanwhile func(*Targets, *Executables)
	// Verify reports the header fields that the processes themselves encode
	// and decode, as events Field and List.
	Verify bool

	compat         bool // pretend that the kernel lacks some of optionalFeatures
	unknownRelease bool // pretend that the tls.Conn of the Go release is unknown
}

// Collector is the kernel side of a capture, which it loads and ends. Each part has
// one subject and guards its own state. The Collector itself does not change between
// New and Stop. Stop and Close are for one goroutine, when nothing else calls a part
// any more.
type Collector struct {
	Reader
	Targets     *Targets
	Executables *Executables
	Recovery    *Recovery
	Spotting    *Spotting
	Connections *Connections
	Sockets     *Sockets
	QUICFlows   *QUICFlows
	// Capture is nil without Options.Capture.
	Capture *Capture

	opts     Options
	probes   probesObjects
	programs *programSet // nil when nothing was loaded
	hooks    []link.Link
	flows    flows
	// noPackets is why packets are not watched.
	noPackets error
	first     *Executable // Options.First, until ReleaseFirst
}

// New loads the programs and hooks process and socket events. It captures nothing
// until there are targets and attached executables.
func New(opts Options) (*Collector, error) {
	if opts.BufferSize < MinBufferSize || opts.BufferSize&(opts.BufferSize-1) != 0 {
		return nil, fmt.Errorf("ring buffer of %d bytes: want a power of two of at least %d", opts.BufferSize, MinBufferSize)
	}
	for _, f := range append(capabilities(), pidNamespace(), descriptors()) {
		if f.Err != nil {
			return nil, fmt.Errorf("%s: %w; %s", f.Name, f.Err, f.Advice)
		}
	}
	if err := liftMemlock(); err != nil {
		return nil, withAdvice(fmt.Errorf("lift the locked-memory limit: %w", err))
	}
	c := &Collector{opts: opts}
	if err := c.load(); err != nil {
		return nil, errors.Join(withAdvice(err), c.Close())
	}
	if err := c.hook(); err != nil {
		return nil, errors.Join(withAdvice(err), c.Close())
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

// Stop ends the capture: it drops all targets and detaches all probes. Records in the
// buffer can still be read.
func (c *Collector) Stop() error {
	if c.Executables == nil {
		return closeLinks(c.takeHooks()) // not all was loaded
	}
	c.Executables.unwatch()
	pids, _, err := c.Targets.List()
	for _, pid := range pids {
		err = errors.Join(err, c.Targets.RemoveTarget(pid))
	}
	return errors.Join(err, c.Executables.stop(c.takeHooks()))
}

// takeHooks returns the links to tracepoints and cgroups, and forgets them.
func (c *Collector) takeHooks() []link.Link {
	links := c.hooks
	c.hooks = nil
	return links
}

// Close stops the capture and frees everything.
func (c *Collector) Close() error {
	err := errors.Join(c.Stop(), c.closeRing(), c.Capture.close())
	if c.programs != nil {
		err = errors.Join(err, c.programs.close())
	}
	return errors.Join(err, c.flows.close(), c.probes.Close())
}
