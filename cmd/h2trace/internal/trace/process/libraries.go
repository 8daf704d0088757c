package process

import (
	"errors"
	"fmt"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/golibrary"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// loaded is a library that was attached to.
type loaded struct {
	golibrary.Library
	exe *bpf.Executable
}

// library attaches to the Go code in the libraries of a process whose executable gets
// no probes. It returns the outcome to print.
func (a *attacher) library(p *Process, exe *bpf.Executable) export.ProcessEvent {
	event, reason := a.libraries(p)
	switch {
	case event != nil:
		return event
	case exe.NoTLS == nil:
		if reason != "" {
			reason = "; " + reason
		}
		return a.outcomes.skip(p, exe.Skip+reason)
	}
	event = attached(a.kernel, exe)
	a.outcomes.attach(p, event)
	return event
}

// libraries attaches to the Go code in the libraries of a process. It returns the
// outcome to print, or nil where there is none, and why if that is known.
func (a *attacher) libraries(p *Process) (event *export.ProcessAttached, reason string) {
	list, reason := a.attachLibraries(golibrary.Of(p.PID))
	if len(list) == 0 {
		return nil, reason
	}
	if !a.table.setLibraries(p, list) {
		if err := a.releaseLibraries(list); err != nil {
			a.msg.Errorf("%v", err)
		}
	}
	event = attached(a.kernel, list[0].exe)
	event.Reason = "by Go code in " + list[0].Name
	a.outcomes.attach(p, event)
	return event, ""
}

// attachLibraries gives the Go code in the libraries of a process its probes. It
// returns what was attached to, and why nothing can be captured of another.
func (a *attacher) attachLibraries(libraries []golibrary.Library) (list []loaded, reason string) {
	for _, l := range libraries {
		exe, err := a.kernel.Attach(l.Path)
		if err == nil && exe.Skip == "" {
			list = append(list, loaded{l, exe})
			continue
		}
		why := err
		if err == nil {
			why = errors.Join(errors.New(exe.Skip), a.kernel.Release(exe))
		}
		reason = fmt.Sprintf("Go code in %s is not looked at: %v", l.Name, why)
	}
	return list, reason
}

func (a *attacher) releaseLibraries(list []loaded) error {
	var err error
	for _, l := range list {
		err = errors.Join(err, a.kernel.Release(l.exe))
	}
	return err
}

// firstLook is how soon after the attaching libraries are looked for again.
const firstLook = 50 * time.Millisecond

// dueForLibraries lists the processes whose libraries are to be looked for again, at
// longer and longer intervals: a program can load them at any time.
func (t *table) dueForLibraries(now ktime.Time) []Process {
	return t.list(func(p *Process) bool {
		if p.File == nil || p.File.Skip == "" || len(p.libraries) > 0 || now < p.again {
			return false
		}
		first := p.again == 0 // that was when it was attached to
		p.again = now.Add(max(now.Sub(p.At), firstLook))
		return !first
	})
}
