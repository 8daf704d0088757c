package trace

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// execQueue is how many processes may wait for their executables to be looked
// at before reading records waits too.
const execQueue = 4096

// processes keeps account of the targets, and gives the executables they run
// their probes. That takes milliseconds, so it happens beside the reading.
type processes struct {
	collector *bpf.Collector
	holder    *holder
	events    *export.JSONL
	msg       *message.Printer
	clock     clock
	verify    bool // headers are to be verified
	queue     chan process
	done      chan struct{}

	sources fetchenv.Reader
	passed  passed

	mu       sync.Mutex
	known    map[int]process // by pid, until they exit
	total    uint64
	attached int
	skipped  skipped
	outcomes map[int]outcome // of attaching, also to some that have exited

	adopted    []process  // targets that were running already; for the reader alone
	complaints complaints // for the reader alone
}

// passed is the process that is to execute COMMAND, with the environment that it
// passes on.
type passed struct {
	pid int
	env fetchenv.Environment
}

// process is a target as far as it is known.
type process struct {
	at   int64 // kernel time
	pid  int
	ppid int // 0: unknown
	comm string
	exe  string
	file *bpf.Executable // nil until its executable was attached to
	// libraries have Go code, in a process whose executable gets no probes; they
	// are looked for again at that kernel time.
	libraries []loaded
	again     int64
	loads     bool // they are looked for now
	// source is nil where its environment could not be read.
	source *fetchenv.Source
	// Which process of that id it is: by its handle, or by its life, the one
	// before that, and the file that it executed.
	handle       *os.File
	life, before bpf.Life
	image        bpf.Image
	// over says that it was held for an exec that never came about, and unseen why
	// nothing was seen until then of what it says.
	over   bool
	unseen string
	until  int64
}

func newProcesses(c *bpf.Collector, h *holder, events *export.JSONL, msg *message.Printer, clk clock) *processes {
	p := &processes{
		collector: c,
		holder:    h,
		events:    events,
		msg:       msg,
		clock:     clk,
		queue:     make(chan process, execQueue),
		done:      make(chan struct{}),
		known:     make(map[int]process),
		outcomes:  make(map[int]outcome),
		sources:   fetchenv.NewReader(),
	}
	go p.attachQueued()
	return p
}

// attachQueued gives executables their probes in the order of the execs, and
// lets go of those whose process is gone.
func (p *processes) attachQueued() {
	defer close(p.done)
	for proc := range p.queue {
		switch {
		case proc.over:
			p.holder.part(proc.pid, proc.life).end()
		case proc.unseen != "":
			p.printUnseen(proc)
		case proc.loads:
			if event := p.library(proc, nil); event.Action == export.ProcessAttached {
				p.print(proc, event)
			}
		case proc.file == nil:
			p.print(proc, p.attach(proc))
		default:
			if err := errors.Join(p.release(proc.libraries), p.collector.Release(proc.file)); err != nil {
				p.msg.Errorf("%v", err)
			}
		}
	}
}

// wait returns when all that was queued is done. Nothing may be queued after.
func (p *processes) wait() {
	close(p.queue)
	close(p.sources)
	<-p.done
}

// exec handles a target that runs a new program.
func (p *processes) exec(r *bpf.Record) {
	proc := process{
		at: r.Time, pid: r.PID, ppid: r.Exec.PPID, comm: r.Exec.Comm, exe: r.Exec.Filename,
		life: r.Exec.Life, before: r.Exec.Before, image: r.Exec.Image,
	}
	if exe, err := procfs.Executable(r.PID); err == nil && p.is(&proc) {
		proc.exe = exe
	}
	proc.source = p.source(&proc, r.Exec.Environ)
	p.learn(proc)
	event := &export.Process{Action: export.ProcessExec}
	if versionControl[filepath.Base(proc.exe)] {
		event.Args = r.Exec.Args
	}
	p.complaints.exec(&proc, event.Args)
	p.print(proc, event)
	p.queue <- proc
}

// versionControl are the programs with which the go command fetches modules
// "direct". Their arguments say what from; those of other programs are theirs.
var versionControl = map[string]bool{"git": true, "hg": true, "svn": true, "bzr": true, "fossil": true}

// exit handles the end of a target. One that never ran a program of its own,
// such as the child of a fork that failed to exec, is not worth a line.
func (p *processes) exit(r *bpf.Record) {
	proc, ok := p.forget(r.PID)
	if p.holder.has(r.PID, r.Exit.Life) {
		p.queue <- process{pid: r.PID, life: r.Exit.Life, over: true}
	}
	if !ok {
		return
	}
	event := &export.Process{Action: export.ProcessExit}
	if proc.life == r.Exit.Life { // else the record of its own exit was lost
		code := r.Exit.Code()
		event.ExitCode = &code
		if proc.life != 0 { // its exec was seen
			event.Duration = new(time.Duration(r.Time - proc.at))
		}
	}
	for _, said := range p.complaints.exit(proc.pid, r.Exit.Code()) {
		p.print(said.proc, said.event)
	}
	proc.at = r.Time
	p.print(proc, event)
}

// prepare is called before COMMAND is executed, which may be over before its own
// environment can be read.
func (p *processes) prepare(pid int) {
	if env, err := fetchenv.Read(pid); err == nil {
		p.passed = passed{pid, env}
	}
}

// source returns where a process fetches from, by its environment where the kernel
// gave that, nil where it is not known: one that is over cannot be asked for it.
func (p *processes) source(proc *process, environ []byte) *fetchenv.Source {
	thread := procfs.LivingThread(proc.pid)
	if environ != nil {
		if env, err := fetchenv.Parse(bytes.NewReader(environ)); err == nil {
			return p.sources.Source(env, thread, proc.exe)
		}
	}
	if env, err := fetchenv.Read(thread); err == nil && p.is(proc) {
		return p.sources.Source(env, thread, proc.exe)
	}
	if proc.pid == p.passed.pid {
		return fetchenv.NewSource(p.passed.env)
	}
	return nil
}

// sourceOf returns where a process fetches from, nil where that is not known.
func (p *processes) sourceOf(pid int) *fetchenv.Source {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[pid].source
}

// learn enters a process, or what a known one runs now.
func (p *processes) learn(proc process) {
	_, again := p.forget(proc.pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !again {
		p.total++
	}
	p.known[proc.pid] = proc
}

// forget drops a process and lets go of its executable.
func (p *processes) forget(pid int) (process, bool) {
	p.mu.Lock()
	proc, ok := p.known[pid]
	delete(p.known, pid)
	p.mu.Unlock()
	if proc.file != nil {
		p.queue <- proc
	}
	return proc, ok
}

// hold remembers which executable a process runs, to let go of it later: at
// once when the process has exited, or runs another program, meanwhile.
func (p *processes) hold(proc process, file *bpf.Executable) error {
	p.mu.Lock()
	known, ok := p.known[proc.pid]
	ok = ok && known.at == proc.at
	if ok {
		known.file = file
		p.known[proc.pid] = known
	}
	p.mu.Unlock()
	if ok {
		return nil
	}
	return p.collector.Release(file)
}

// attach gives the executable of a process its probes. It returns the outcome
// to print: attached, or skipped with the reason why nothing can be captured.
func (p *processes) attach(proc process) *export.Process {
	met := p.holder.part(proc.pid, proc.before)
	defer met.end()
	exe, err := p.executable(proc, met.of(proc.image))
	// Behind the probes, so that these tell of all that packets tell of.
	if ownErr := p.collector.OwnSockets(proc.pid, proc.life, proc.comm); ownErr != nil {
		p.msg.Errorf("%v", ownErr)
	}
	switch {
	case procfs.Gone(err):
		return p.skip(proc, "it exited before it could be looked at")
	case err != nil:
		return p.skip(proc, err.Error())
	case exe.Skip != "":
		return p.library(proc, exe)
	}
	p.mu.Lock()
	p.attached++
	p.mu.Unlock()
	if what := unverified(exe.Verified); p.verify && what != "" {
		p.msg.Infof("%s: %s cannot be verified: it has no HTTP/2 code of a known form", proc.exe, what)
	}
	outcome := p.attachedTo(exe)
	p.remember(proc, outcome)
	return outcome
}

// attachedTo is the outcome of attaching to an executable.
func (p *processes) attachedTo(exe *bpf.Executable) *export.Process {
	if exe.NoTLS != nil {
		return &export.Process{
			Action: export.ProcessAttached, GoVersion: exe.NoTLS.GoVersion, BuildID: exe.NoTLS.BuildID,
			Plan: []export.Tap{{Name: "packets", Probe: "cgroup_skb"}},
		}
	}
	now := p.collector.PlanOf(exe)
	event := &export.Process{
		Action:    export.ProcessAttached,
		GoVersion: now.GoVersion,
		BuildID:   now.BuildID,
	}
	for _, probe := range append(now.Describe(), plan.Describe(exe.Verified)...) {
		event.Plan = append(event.Plan, export.Tap{Name: string(probe.Tap), Probe: probe.Name})
	}
	return event
}

// running lists the processes that run an executable that is attached to.
func (p *processes) running() []process {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []process
	for _, proc := range p.known {
		if proc.file != nil && proc.file.Skip == "" {
			list = append(list, proc)
		}
	}
	return list
}

// observed lists the processes of which something may be seen: those, and those
// without crypto/tls.
func (p *processes) observed() []process {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []process
	for _, proc := range p.known {
		if proc.file != nil && (proc.file.Skip == "" || proc.file.NoTLS != nil || len(proc.libraries) > 0) {
			list = append(list, proc)
		}
	}
	return list
}

// at returns the process of an id.
func (p *processes) at(pid int) (process, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	proc, ok := p.known[pid]
	return proc, ok
}

// skip remembers why nothing can be captured in a process.
func (p *processes) skip(proc process, reason string) *export.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipped.add(proc, reason)
	return &export.Process{Action: export.ProcessSkipped, Reason: reason}
}

func (p *processes) print(proc process, e *export.Process) {
	if proc.ppid > 0 {
		e.PPID = &proc.ppid
	}
	e.Exe = proc.exe
	p.events.Process(export.Meta{Time: p.clock.wall(proc.at), PID: proc.pid, Comm: proc.comm}, e)
}

// paths returns where the executables of the processes can be opened.
func (p *processes) paths() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for pid, proc := range p.known {
		list = append(list, procfs.Path(procfs.LivingThread(pid), "exe"))
		for _, l := range proc.libraries {
			list = append(list, l.Path)
		}
	}
	return list
}

// count returns how many processes were observed.
func (p *processes) count() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}
