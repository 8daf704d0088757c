package process

import (
	"path/filepath"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/golibrary"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/broker"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// maxJobs bounds the queue of jobs. When it is full, the reading of records waits.
const maxJobs = 4096

// Config configures a Tracker.
type Config struct {
	Kernel Kernel
	Holder *Holder
	Events *export.JSONL
	Msg    *message.Printer
	// Now returns the kernel time.
	Now func() ktime.Time
	// Verify says that headers are verified.
	Verify bool
	// Late is called after the attaching to the file at path, which a process has run
	// for some time: it may have connections whose handshake was before the probes. It
	// may be nil.
	Late func(path string) error
	// Broker looks at processes for the reader of records, who may have no rights. nil stands for
	// one who has.
	Broker *broker.Broker
}

// Tracker tracks the targets, attaches probes to what they execute, and prints their
// events. To attach probes takes milliseconds, so a goroutine of its own does that. Only the
// reader of records calls its methods. Exec, Exit, Vanish and Reap, and those that ask what is
// known, take no rights.
type Tracker struct {
	inspector
	inspect  inspections
	holder   *Holder
	events   *export.JSONL
	msg      *message.Printer
	now      func() ktime.Time
	table    table
	outcomes outcomes
	attacher attacher
	adopted  []Process // targets that were running before

	jobs chan func() // in the order of the execs
	done chan struct{}
}

// NewTracker returns a Tracker of no processes. Wait ends it.
func NewTracker(c Config) *Tracker {
	t := &Tracker{
		inspector: newInspector(c.Kernel),
		holder:    c.Holder,
		events:    c.Events,
		msg:       c.Msg,
		now:       c.Now,
		jobs:      make(chan func(), maxJobs),
		done:      make(chan struct{}),
	}
	t.inspect = newInspections(c.Broker, &t.inspector)
	t.attacher = attacher{kernel: c.Kernel, holder: c.Holder, msg: c.Msg, verify: c.Verify, table: &t.table, outcomes: &t.outcomes, late: c.Late}
	go func() {
		defer close(t.done)
		for job := range t.jobs {
			job()
		}
	}()
	return t
}

// Wait returns when all jobs are done. No job may follow.
func (t *Tracker) Wait() {
	close(t.jobs)
	close(t.environments.reader)
	<-t.done
}

// AttachCommand prepares for the process that is about to execute path, which is COMMAND as
// typed. If the executable gets no probes, the libraries that it is linked with get them,
// until h2trace ends. The exec repeats what fails here.
func (t *Tracker) AttachCommand(typed, path string, pid int) error {
	t.outcomes.setCommand(typed, pid)
	exe, err := t.kernel.Attach(path)
	if err != nil {
		return err
	}
	if exe.Skip != "" { // before the process can execute any of it
		_, _ = t.attacher.attachLibraries(golibrary.NeededBy(path, pid))
	}
	t.environments.prepare(pid)
	return t.kernel.AddTarget(pid)
}

// versionControl names the programs with which the go command fetches modules "direct".
// Their arguments name the source. The arguments of other programs are private.
var versionControl = map[string]bool{"git": true, "hg": true, "svn": true, "bzr": true, "fossil": true}

// Exec handles a target that runs a new program, and returns it. For a version control
// system it also returns the arguments.
func (t *Tracker) Exec(e *bpf.Exec) (p Process, args []string) {
	p, _ = t.inspect.complete(executed{Process{
		At: e.Time, PID: e.PID, PPID: e.PPID, Comm: e.Comm, Exe: e.Filename,
		Generation: e.Generation, before: e.Before, image: e.Image,
	}, e.Cgroup, e.Environ}) // which has no error
	t.enter(p)
	var event export.ProcessExec
	if versionControl[filepath.Base(p.Exe)] {
		event.Args = e.Args
	}
	t.Print(&p, event)
	t.jobs <- func() { t.Print(&p, t.attacher.attach(&p)) }
	return p, event.Args
}

// Exit handles the end of a target. It prints no line for a target without a program of its
// own, such as the child of a fork that failed to exec.
func (t *Tracker) Exit(e *bpf.Exit) {
	p, ok := t.drop(e.PID)
	if pid, generation := e.PID, e.Generation; t.holder.has(pid, generation) { // for an exec that failed
		t.jobs <- func() { t.holder.part(pid, generation).end() }
	}
	if !ok {
		return
	}
	var event export.ProcessExit
	if p.Generation == e.Generation { // else its own exit record was lost
		code := e.Code()
		event.Code = &code
		if p.Generation != 0 { // its exec was seen
			event.Duration = new(e.Time.Sub(p.At))
		}
		event.CPU = &e.CPU
	}
	p.At = e.Time
	t.Print(&p, event)
}

// Vanish prints the exit of a process that ended before the given time; nothing else is
// known about its end.
func (t *Tracker) Vanish(pid int, at ktime.Time) {
	if p, ok := t.drop(pid); ok {
		p.At = at
		t.Print(&p, export.ProcessExit{})
	}
}

// enter adds a process, and releases the program that it ran before.
func (t *Tracker) enter(p Process) {
	before, _ := t.table.enter(p)
	t.release(before)
}

// drop removes a process, and releases its program.
func (t *Tracker) drop(pid int) (Process, bool) {
	p, ok := t.table.drop(pid)
	t.release(p)
	return p, ok
}

func (t *Tracker) release(p Process) {
	if p.File == nil {
		return
	}
	t.jobs <- func() {
		if err := t.attacher.release(&p); err != nil {
			t.msg.Errorf("%v", err)
		}
	}
}

// LookForLibraries looks for new libraries of running processes that are due for it.
func (t *Tracker) LookForLibraries(now ktime.Time) {
	for _, p := range t.table.dueForLibraries(now) {
		look := func() {
			if event, _ := t.attacher.libraries(&p); event != nil {
				t.Print(&p, event)
			}
		}
		select {
		case t.jobs <- look:
		default: // more urgent work waits
		}
	}
}

// Blame prints, with a kernel time, the reason why the traffic of a process is not seen that it
// began at spoke. The process may have ended. If it is skipped, that reason is the better one. Jobs
// begun before, such as the attaching, come first.
func (t *Tracker) Blame(p Process, reason string, spoke, at ktime.Time) {
	t.jobs <- func() {
		outcome := t.outcomes.of(&p)
		if outcome.event == nil || t.events.Flush() != nil {
			return // or the reader left, and later records were not read
		}
		if spoke < outcome.since {
			reason = "its probes were not in place before it spoke"
		}
		t.msg.Infof("nothing is seen of what process %d (%s) says: %s", p.PID, p.Exe, reason)
		event := *outcome.event
		event.Reason, event.Unseen = reason, true
		p.At = at
		t.Print(&p, &event)
	}
}

// Print prints an event of a process, with its time.
func (t *Tracker) Print(p *Process, e export.ProcessEvent) {
	tracing := p.Source.Tracing()
	of := export.Process{
		Exe: p.Exe, Container: p.container, TraceParent: tracing.Parent, ServiceName: tracing.Service,
	}
	if p.PPID > 0 {
		of.PPID = &p.PPID
	}
	t.events.Process(export.Meta{Time: p.At, PID: p.PID, Comm: p.Comm}, &of, e)
}
