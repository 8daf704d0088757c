package trace

import (
	"errors"
	"fmt"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/golibrary"
	"h2trace/export"
)

// loaded is a library that was attached to.
type loaded struct {
	golibrary.Library
	exe *bpf.Executable
}

// attachLibraries gives the Go code in the libraries of a process its probes. It
// returns what was attached to, and why nothing can be captured of another.
func (p *processes) attachLibraries(libraries []golibrary.Library) (list []loaded, reason string) {
	for _, l := range libraries {
		exe, err := p.collector.Attach(l.Path)
		if err == nil && exe.Skip == "" {
			list = append(list, loaded{l, exe})
			continue
		}
		why := err
		if err == nil {
			why = errors.Join(errors.New(exe.Skip), p.collector.Release(exe))
		}
		reason = fmt.Sprintf("Go code in %s is not looked at: %v", l.Name, why)
	}
	return list, reason
}

// linked attaches to the Go code that a program is linked with which is about to be
// executed by a process, for as long as h2trace observes. What fails is tried again
// when it is executed.
func (p *processes) linked(program string, pid int) {
	_, _ = p.attachLibraries(golibrary.NeededBy(program, pid))
}

// holdLibraries remembers them of a process, to let go of them with it.
func (p *processes) holdLibraries(proc process, list []loaded) error {
	p.mu.Lock()
	known, ok := p.known[proc.pid]
	if ok = ok && known.at == proc.at; ok {
		known.libraries = list
		p.known[proc.pid] = known
	}
	p.mu.Unlock()
	if ok {
		return nil
	}
	return p.release(list)
}

func (p *processes) release(list []loaded) error {
	var err error
	for _, l := range list {
		err = errors.Join(err, p.collector.Release(l.exe))
	}
	return err
}

// library attaches to the Go code in the libraries of a process whose executable, if
// that is given, gets no probes. It returns the outcome to print.
func (p *processes) library(proc process, exe *bpf.Executable) *export.Process {
	list, reason := p.attachLibraries(golibrary.Of(proc.pid))
	switch {
	case len(list) > 0:
		if err := p.holdLibraries(proc, list); err != nil {
			p.msg.Errorf("%v", err)
		}
		exe = list[0].exe
	case exe == nil:
		return &export.Process{}
	case exe.NoTLS == nil:
		if reason != "" {
			reason = "; " + reason
		}
		return p.skip(proc, exe.Skip+reason)
	}
	p.mu.Lock()
	p.attached++
	p.mu.Unlock()
	outcome := p.attachedTo(exe)
	if len(list) > 0 {
		outcome.Reason = "by Go code in " + list[0].Name
	}
	p.remember(proc, outcome)
	return outcome
}

// lookAgain has the libraries looked for of processes that run on, at longer and
// longer intervals: a program can load them at any time.
func (p *processes) lookAgain(now int64) {
	p.mu.Lock()
	var list []process
	for pid, proc := range p.known {
		if proc.file == nil || proc.file.Skip == "" || len(proc.libraries) > 0 || now < proc.again {
			continue
		}
		if proc.again > 0 { // the first time was when it was attached to
			list = append(list, proc)
		}
		proc.again = now + max(now-proc.at, firstLook.Nanoseconds())
		p.known[pid] = proc
	}
	p.mu.Unlock()
	for _, proc := range list {
		proc.loads = true
		select {
		case p.queue <- proc:
		default: // there is more urgent work
		}
	}
}

// firstLook is how soon after the attaching libraries are looked for again.
const firstLook = 50 * time.Millisecond
