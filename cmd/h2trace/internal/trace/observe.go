package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"h2trace/bpf"
	"h2trace/bpf/gate"
	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
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
	// lookInterval is how often everything else is looked at that is no record.
	lookInterval = 100 * time.Millisecond
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
	clock     clock
	started   time.Time

	processes *process.Tracker
	conns     *connTable
	plans     *planCheck
	work      *background
	sockets   *sockets
	losses    lossBook
	nextLook  int64 // kernel time of the next look
	read      int64 // kernel time of the latest record
	delivered uint64
	undecoded uint64 // read, and lost nevertheless, see drain
	command   *int   // its process id, nil where there is none
	signal    string // that h2trace was sent while it observed, or ""
	notRun    bool   // COMMAND could not be executed
	// nothingSaid says that it was seen to whether there is something to observe.
	nothingSaid bool
	complaints  complaints
	missing     []process.Process // no targets any more, and their exits not read
}

// New loads the kernel side. Events go to out, of which a reader that leaves is
// export.ErrReaderGone.
func New(opts Options, out io.Writer, msg *message.Printer) (*Observer, error) {
	named := process.OpenHandles(opts.PIDs) // the rest takes a while
	c, err := bpf.New(bpf.Options{
		BufferSize: opts.Buffer,
		BodyBytes:  opts.BodyBytes,
		Follow:     !opts.NoFollow,
		Names:      opts.Names,
		Mode:       opts.Plan.Mode(),
		Empty:      opts.TestPlan == testEmpty,
		FramesOnly: opts.TestPlan == testFrames,
		Deaf:       opts.TestPlan.deafTap(),
		Verify:     opts.Verify,
	})
	if err != nil {
		return nil, err
	}
	clk, err := newClock()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	events := export.NewJSONL(out, export.Options{
		Events:      opts.Events,
		ShowSecrets: opts.ShowSecrets,
		Bodies:      opts.BodyBytes > 0,
	})
	o := &Observer{
		opts:      opts,
		msg:       msg,
		collector: c,
		named:     named,
		events:    events,
		clock:     clk,
		started:   time.Now(),
	}
	o.losses.events = events
	o.holder = &process.Holder{}
	if !opts.NoGate {
		o.holder = process.NewHolder(c, gate.Options{Targets: c.TargetMap(), Names: opts.Names}, msg)
	}
	o.processes = process.NewTracker(process.Config{
		Kernel: c, Holder: o.holder, Events: events, Msg: msg, Now: monotonic, Wall: clk.wall, Verify: opts.Verify,
	})
	o.conns = newConnTable(c, events, clk, &o.losses, decoder.Config{BodyBytes: opts.BodyBytes, Budget: decoder.NewBudget(maxUnfinished)},
		newRecovery(c, msg, o.processes.Paths), o.processes.SourceOf)
	o.conns.framesOnly = opts.TestPlan == testFrames
	o.sockets = newSockets(o.conns, o.processes, c.PacketsWatched() == nil)
	o.sockets.off = opts.TestPlan == testEmpty || opts.TestPlan == testFrames
	o.work = newBackground()
	o.plans = newPlanCheck(c, o.processes, o.conns, o.sockets, o.work, msg)
	if opts.Verify {
		o.conns.verifier = verify.NewChecker()
	}
	return o, nil
}

// AttachCommand prepares for the process that is about to execute path.
func (o *Observer) AttachCommand(pid int, path string) error {
	o.command = &pid
	return o.processes.AttachCommand(o.opts.Command[0], path, pid)
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
	if err := o.conns.recovery.await(); err != nil {
		return err
	}
	if err := o.processes.AttachRunning(process.Running{PIDs: pids, Handles: o.named, Names: names, Follow: !o.opts.NoFollow}); err != nil {
		return err
	}
	o.msg.Infof("%s", observing(roots(o.processes.Adopted()), o.opts, time.Now()))
	list, err := o.collector.Sockets()
	return errors.Join(err, o.sockets.begin(list))
}

// Observe writes events until ctx is done, until every target has exited and no
// name can bring new ones, or until the output fails; then it drains the kernel's buffer and writes the summary.
func (o *Observer) Observe(ctx context.Context) error {
	o.conns.recovery.prepare()
	err := o.follow(ctx)
	o.signal = launch.SignalName(ctx)
	o.notRun = errors.Is(context.Cause(ctx), ErrNotRun)
	return errors.Join(err, o.finish())
}

// follow reads records until there is a reason to stop.
func (o *Observer) follow(ctx context.Context) error {
	var r bpf.Record
	var p pace
	nextTargets := time.Now().Add(targetCheckInterval)
	nextSweep := time.Now().Add(sweepInterval)
	for {
		err := o.collector.Read(&r, idleWait)
		if err == nil {
			if err := o.handle(&r); err != nil {
				return err
			}
			if !p.due(time.Now()) && ctx.Err() == nil && r.Kind != bpf.KindExit && r.Time < o.nextLook {
				continue
			}
		} else if !errors.Is(err, bpf.ErrNoRecord) {
			return err
		}
		p = pace{last: time.Now()}
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
		if r.Kind == bpf.KindExit || time.Now().After(nextTargets) {
			r.Kind = 0
			nextTargets = time.Now().Add(targetCheckInterval)
			if err := o.processes.Reap(); err != nil {
				return err
			}
			if time.Now().After(nextSweep) {
				nextSweep = time.Now().Add(sweepInterval)
				if err := o.collector.Sweep(); err != nil {
					return err
				}
			}
			left, err := o.collector.Targets()
			if err != nil || len(left) == 0 && len(o.opts.Names) == 0 {
				if err == nil && len(o.opts.Command) == 0 {
					o.msg.Infof("all targets have exited")
				}
				return err
			}
			o.missing = o.processes.Missing(left)
		}
	}
}

// look looks at what records do not tell, when it is time to. idle says that all
// records are read.
func (o *Observer) look(idle bool) error {
	now := monotonic()
	if now < o.nextLook {
		return nil
	}
	o.nextLook = now + lookInterval.Nanoseconds()
	o.work.poll()
	o.sockets.tick(o.read, idle)
	o.processes.LookForLibraries(now)
	return o.plans.tick(now, o.read, idle)
}

func (o *Observer) handle(r *bpf.Record) error {
	return errors.Join(o.take(r), o.conns.send())
}

func (o *Observer) take(r *bpf.Record) error {
	o.delivered++
	o.read = max(o.read, r.Time)
	switch r.Kind {
	case bpf.KindData:
		o.conns.data(r)
	case bpf.KindSegment:
		o.conns.segment(r)
	case bpf.KindOpen:
		o.conns.open(r)
	case bpf.KindClose:
		return o.conns.close(r)
	case bpf.KindTable:
		o.conns.recovery.table(r)
	case bpf.KindBlock:
		o.conns.recovery.block(r)
	case bpf.KindWindows:
		return o.conns.recovery.windows(r)
	case bpf.KindHandshake:
		o.conns.handshake(r)
	case bpf.KindDNS:
		o.conns.names.packet(r)
	case bpf.KindHello:
		o.conns.hellos.packet(r.PID, r.Time, &r.Packet)
	case bpf.KindSocket:
		o.sockets.left(&r.Socket, r.Time)
	case bpf.KindConnect:
		o.conns.names.connectFailed(r)
	case bpf.KindMessage:
		o.complain(r)
	case bpf.KindField:
		o.conns.verifier.Field(&r.Field)
	case bpf.KindList:
		o.conns.list(r)
	case bpf.KindExec:
		err := o.conns.endProcess(r.PID, r.Time)
		o.conns.names.end(r.PID)
		o.conns.fetches.End(r.PID)
		o.complaints.exec(o.processes.Exec(r))
		return err
	case bpf.KindExit:
		err := o.conns.endProcess(r.PID, r.Time)
		o.conns.names.leave(r.PID, r.Time)
		o.conns.fetches.End(r.PID)
		o.sockets.exit(r.PID, r.Time)
		for _, said := range o.complaints.exit(r.PID, r.Exit.Code()) {
			o.processes.Print(&said.proc, said.event)
		}
		o.processes.Exit(r)
		return err
	}
	return nil
}

// finish stops the kernel side, reads what it still holds, settles the account
// and writes the summary.
func (o *Observer) finish() error {
	o.holder.Close() // before probes go, so that none is attached after
	left, err := o.collector.Targets()
	o.conns.recovery.wait()
	o.work.wait()
	open, openErr := o.openSockets(left)
	err = errors.Join(err, openErr, o.awaitCloses(), o.collector.Stop(), o.drain(drainTime))
	if err == nil {
		o.missing = o.processes.Missing(left)
		err = o.endLost()
	}
	o.sockets.end(open)
	o.processes.Wait()
	err = errors.Join(err, o.conns.endAll())
	ledger, ledgerErr := o.collector.Ledger()
	err = errors.Join(err, ledgerErr)
	var sum *export.Summary
	if ledgerErr == nil {
		var unsettled error
		sum, unsettled = o.settle(ledger)
		err = errors.Join(err, unsettled)
	}
	unwritten := o.closeEvents()
	if sum != nil {
		o.conclude(sum, unwritten == nil)
	}
	return errors.Join(err, unwritten)
}

// closeEvents flushes the events, and says how many of them are missing where
// they could not be written.
func (o *Observer) closeEvents() error {
	err := o.events.Close()
	if err == nil || errors.Is(err, export.ErrReaderGone) {
		return err
	}
	return fmt.Errorf("%w: %d events were not written", err, o.events.Unwritten())
}

// openSockets looks at the sockets of the targets that are left.
func (o *Observer) openSockets(left []int) (look, error) {
	if len(left) == 0 || o.sockets.off {
		return look{}, nil
	}
	list, err := o.collector.Sockets()
	return look{monotonic(), list}, err
}

// awaitCloses reads on until the kernel has closed the sockets of processes that
// have just ended, some milliseconds after that: with the close comes what TCP
// knew of the path. A socket that somebody else holds, too, is not waited for.
func (o *Observer) awaitCloses() error {
	var r bpf.Record
	for end := time.Now().Add(closeLinger / 2); o.conns.closesDue() && time.Now().Before(end); {
		err := o.collector.Read(&r, time.Millisecond)
		if err == nil {
			err = o.handle(&r)
		}
		if err != nil && !errors.Is(err, bpf.ErrNoRecord) {
			return err
		}
	}
	return nil
}

// Close lets go of the kernel side.
func (o *Observer) Close() error {
	o.holder.Close()
	return o.collector.Close()
}
