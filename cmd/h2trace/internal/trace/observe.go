//go:build linux

package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"h2trace/bpf"
	"h2trace/bpf/gate"
	"h2trace/cmd/h2trace/internal/cgroup"
	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/broker"
	"h2trace/cmd/h2trace/internal/trace/packets"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

const (
	// idleWait is how long to wait for a record between two looks at
	// everything that is not one. The kernel wakes the reader for the first
	// record; were that missed, this is the delay.
	idleWait = 100 * time.Millisecond
	// targetCheckInterval is how often the targets are counted when their
	// exit records may have been lost.
	targetCheckInterval = time.Second
	// sweepInterval is how often the kernel's maps are swept.
	sweepInterval = 2 * time.Second
)

// ErrNotRun is the cause of the end of an observation whose COMMAND could not be
// executed: that there was nothing to observe then goes without saying.
var ErrNotRun = errors.New("command was not run")

// Observer observes processes and writes their events.
type Observer struct {
	opts      Options
	msg       *message.Printer
	collector *bpf.Collector
	holder    *process.Holder
	named     process.Handles // of the ids that -p gives
	events    *export.JSONL
	clock     clockWatch
	started   time.Time
	broker    *broker.Broker // for the thread that parses
	side      kernelSide

	processes *process.Tracker
	conns     *connTable
	looks     *looks
	unix      *unixCalls
	sockets   *sockets
	unfired   *unfired
	locks     locks
	losses    lossBook
	keyLog    keyLog
	packets   *packets.Recorder // nil without --pcap
	captured  *packets.Totals   // at its end
	nextLook  ktime.Time        // of the next look
	intake
	command *int   // its process id, nil where there is none
	signal  string // that h2trace was sent while it observed, or ""
	notRun  bool   // COMMAND could not be executed
	// nothingSaid says that it was seen to whether there is something to observe.
	nothingSaid bool
	complaints  complaints
	missing     []process.Process // no targets any more, and their exits not read

	closing sync.Mutex
	closed  bool
}

// New loads the kernel side. Events go to out, of which a reader that leaves is
// export.ErrReaderGone.
func New(opts Options, out io.Writer, msg *message.Printer) (*Observer, error) {
	named := process.OpenHandles(opts.PIDs) // the rest takes a while
	var err error
	if opts.Cgroups, err = cgroup.Find(opts.Cgroups); err != nil {
		return nil, err
	}
	var holder *process.Holder
	startHolder := func(t *bpf.Targets, x *bpf.Executables) {
		holder = process.NewHolder(processKernel{Targets: t, Executables: x}, gate.Options{
			Targets: t.Map(), Names: opts.Names, Cgroups: opts.Cgroups,
		}, msg)
	}
	kernelOptions := bpf.Options{
		BufferSize: opts.Buffer,
		Bodies:     opts.BodyBytes > 0,
		Follow:     !opts.NoFollow,
		Names:      opts.Names,
		Cgroups:    opts.Cgroups,
		First:      opts.Path,
		Mode:       opts.Plan.Mode(),
		Empty:      opts.TestPlan == testEmpty,
		FramesOnly: opts.TestPlan == testFrames,
		Deaf:       opts.TestPlan.deafTap(),
		Verify:     opts.Verify,
		Wire:       opts.Sources.Wire,
		NoCalls:    !opts.Sources.Calls,
	}
	if opts.PacketFiles != nil {
		kernelOptions.Capture = opts.Buffer
	}
	switch {
	case opts.NoGate:
		holder = &process.Holder{}
	case !opts.expectsOthers(): // it holds nothing before there are targets
		kernelOptions.Meanwhile = startHolder
	}
	c, err := bpf.New(kernelOptions)
	if err != nil {
		if holder != nil {
			holder.Close()
			holder.Wait()
		}
		return nil, err
	}
	if holder == nil {
		startHolder(c.Targets, c.Executables)
	}
	o := &Observer{
		opts:      opts,
		msg:       msg,
		collector: c,
		holder:    holder,
		named:     named,
		started:   time.Now(),
		keyLog:    keyLog{to: opts.KeyLog, msg: msg},
	}
	clk, err := newClock()
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	events := export.NewJSONL(out, export.Options{
		Events:      opts.Events,
		ShowSecrets: opts.ShowSecrets,
		Bodies:      opts.BodyBytes > 0,
		Clock:       clk,
		Listeners:   opts.Listeners,
		Format:      opts.Format,
	})
	o.events, o.clock, o.losses.events = events, clockWatch{clk, wallTime, msg}, events
	o.broker = broker.New()
	o.side = newKernelSide(o.broker, c, o.holder, opts.Cgroups)
	forConns := brokerKernel(o.broker, connKernel{c.Connections, c.Sockets, c.Spotting, c.QUICFlows}, func(pid int) bool {
		_, is := c.Targets.GenerationOf(pid)
		return is
	})
	forProcesses := processKernel{c.Targets, c.Executables, c.Sockets}
	o.processes = process.NewTracker(process.Config{
		Kernel: forProcesses, Holder: o.holder, Events: events, Msg: msg, Now: monotonic, Verify: opts.Verify, Broker: o.broker,
		Late: func(path string) error { return o.conns.ciphers.joining.probes.beginLate(path) },
	})
	o.conns = newConnTable(forConns, events, &o.losses, decoder.Config{BodyBytes: opts.BodyBytes, Budget: decoder.NewBudget(maxUnfinished), Overhead: maxOverhead},
		newRecovery(forConns, c.Recovery, msg, o.processes.Paths), o.processes.SourceOf)
	o.conns.now = monotonic
	if opts.Sources.Wire {
		o.conns.ciphers.wanted = true
		o.conns.ciphers.byCalls, o.conns.ciphers.pending = o.processes.ByCalls, o.processes.Pending
		o.conns.ciphers.joining.probes = newPassingProbes(c.Spotting, msg, o.processes.Paths)
	}
	if err := c.PacketsWatched(); err != nil && opts.Sources.Wire {
		if !opts.Sources.Calls {
			return nil, errors.Join(fmt.Errorf("packets are not watched, which --source wire needs: %w", err), o.Close())
		}
		msg.Infof("bytes are taken from calls, as packets are not watched: %v", err)
	}
	o.recordPackets()
	o.unix = newUnixCalls(c, o.processes, o.conns, msg)
	o.conns.exchanges.off = opts.TestPlan == testFrames
	o.sockets = newSockets(o.conns, o.processes, c.PacketsWatched() == nil)
	o.sockets.off = opts.TestPlan == testEmpty || opts.TestPlan == testFrames
	o.looks = newLooks(c.Sockets.List, msg)
	o.locks.procs = o.processes
	o.unfired = newUnfired(o.conns, o.processes.Probed, &opts, msg)
	if opts.Verify {
		o.conns.verifier = verify.NewChecker()
	}
	return o, nil
}

// AttachCommand prepares for the process that is about to execute path.
func (o *Observer) AttachCommand(pid int, path string) error {
	o.command = &pid
	return errors.Join(o.processes.AttachCommand(o.opts.Command[0], path, pid), o.collector.ReleaseFirst())
}

// commandStarts is how long COMMAND has to start a Go program, if it is none.
const commandStarts = time.Second

// sayNothingYet says once of a COMMAND that runs on that there is nothing in it to
// observe.
func (o *Observer) sayNothingYet() {
	if o.command == nil || o.nothingSaid || time.Since(o.started) < commandStarts {
		return
	}
	o.nothingSaid = true
	if reason := o.processes.NothingObserved(); reason != "" && o.processes.Count() > 0 {
		o.msg.Infof("nothing to observe so far but HTTP without TLS: %s", reason)
	}
}

// AttachRunning attaches to running processes and their descendants.
func (o *Observer) AttachRunning(pids []int, names []string) error {
	if err := errors.Join(o.conns.recovery.probes.await(), o.conns.ciphers.joining.probes.await()); err != nil {
		return err
	}
	if err := o.processes.AttachRunning(process.Running{
		PIDs: pids, Handles: o.named, Names: names, Cgroups: o.opts.Cgroups, Follow: !o.opts.NoFollow,
	}); err != nil {
		return err
	}
	o.msg.Infof("%s", observing(roots(o.processes.Adopted()), o.opts, time.Now()))
	list, err := o.collector.Sockets.List()
	return errors.Join(err, o.sockets.begin(list))
}

// Observe writes events until ctx is done, until every target has exited and no
// name can bring new ones, or until the output fails; then it drains the kernel's buffer and writes the summary.
func (o *Observer) Observe(ctx context.Context) error {
	if o.packets != nil {
		o.packets.Start()
	}
	preparation := prepare(o.collector)
	return o.onParser(func() error {
		err := o.follow(ctx)
		preparation.end()
		o.signal = launch.SignalName(ctx)
		o.notRun = errors.Is(context.Cause(ctx), ErrNotRun)
		return errors.Join(err, o.finish())
	})
}

// follow reads records until there is a reason to stop.
func (o *Observer) follow(ctx context.Context) error {
	var p pace
	nextTargets := time.Now().Add(targetCheckInterval)
	nextSweep := time.Now().Add(sweepInterval)
	for {
		e, err := o.collector.Read(idleWait)
		if err == nil {
			if err := o.handle(e); err != nil {
				return err
			}
			if !p.due(e.Header().Time) && ctx.Err() == nil && !o.exited && e.Header().Time < o.nextLook {
				continue
			}
		} else if !errors.Is(err, bpf.ErrNoRecord) {
			return err
		}
		o.packetsUpTo(o.collector.ReadUntil())
		p = newPace(o.collector)
		idle := err != nil
		if err := o.conns.expire(o.collector.ReadUntil(), idle); err != nil {
			return err
		}
		if err := o.look(idle); err != nil {
			return err
		}
		if idle && len(o.missing) > 0 {
			if err := o.endLost(); err != nil {
				return err
			}
		}
		o.sayNothingYet()
		if ctx.Err() != nil || o.events.Err() != nil {
			return nil
		}
		if o.exited || time.Now().After(nextTargets) {
			o.exited = false
			nextTargets = time.Now().Add(targetCheckInterval)
			if err := o.processes.Reap(); err != nil {
				return err
			}
			if time.Now().After(nextSweep) {
				nextSweep = time.Now().Add(sweepInterval)
				if _, err := o.side.sweep(none{}); err != nil {
					return err
				}
			}
			if over, err := o.countTargets(); over || err != nil {
				return err
			}
		}
	}
}

// countTargets notes which processes are no targets any more, and reports whether
// there are none left and no name or cgroup can bring new ones. Where a process forked or
// executed a program meanwhile, neither is known: its exit has the targets counted again.
func (o *Observer) countTargets() (over bool, err error) {
	now, err := o.side.targets(none{})
	if err != nil || !now.all {
		return false, err
	}
	o.missing = o.processes.Missing(now.left)
	if over = len(now.left) == 0 && len(o.opts.Names) == 0 && !now.more; over && len(o.opts.Command) == 0 {
		o.msg.Infof("all targets have exited")
	}
	return over, nil
}

// look looks at what records do not tell, when it is time to. idle says that all
// records are read.
func (o *Observer) look(idle bool) error {
	now := monotonic()
	if now < o.nextLook {
		return nil
	}
	o.nextLook = now.Add(lookInterval)
	o.clock.look()
	if o.opts.Sources.Calls {
		o.unix.tick(o.collector.ReadUntil())
	}
	o.sockets.tick(o.read)
	o.processes.LookForLibraries(now)
	soon, unsure := o.unfired.look(now)
	if soon {
		o.looks.soon(now)
	}
	if o.looks.due(now) && (unsure || o.sockets.unsure(now)) {
		o.looks.begin(now)
	}
	if l := o.looks.take(o.read, idle); l != nil {
		o.sockets.judgeRunning(l)
		return o.unfired.judge(l)
	}
	return nil
}

// Lost returns how many records the kernel has not delivered so far, some of which no event says
// before the end. It is safe for concurrent use, also with Close.
func (o *Observer) Lost() (uint64, error) {
	o.closing.Lock()
	defer o.closing.Unlock()
	if o.closed {
		return 0, errClosed
	}
	ledger, err := o.collector.Connections.Ledger()
	return ledger.Lost(), err
}

// errClosed is the error of asking an Observer that is closed.
var errClosed = errors.New("observer is closed")

// Close lets go of the kernel side.
func (o *Observer) Close() error {
	o.closing.Lock()
	defer o.closing.Unlock()
	o.closed = true
	o.holder.Close()
	err := errors.Join(o.broker.Close(), o.collector.Close())
	o.holder.Wait()
	return err
}
