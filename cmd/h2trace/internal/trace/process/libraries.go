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

// loaded is a library with probes.
type loaded struct {
	golibrary.Library
	exe *bpf.Executable
}

// library attaches probes to the Go code in the libraries of a process whose executable
// gets none. It returns the event to print.
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
	a.outcomes.attach(p, event, exe.Since)
	return event
}

// libraries attaches probes to the Go code in the libraries of a process. It returns the
// event to print, or nil and the reason, if known.
func (a *attacher) libraries(p *Process) (event *export.ProcessAttached, reason string) {
	list, reason := a.attachLibraries(golibrary.Of(p.PID))
	if len(list) == 0 {
		return nil, reason
	}
	if a.table.setLibraries(p, list) {
		for _, l := range list {
			a.join(p, l.exe, l.Path)
		}
	} else if err := a.releaseLibraries(list); err != nil {
		a.msg.Errorf("%v", err)
	}
	event = attached(a.kernel, list[0].exe)
	event.Reason = "by Go code in " + list[0].Name
	a.outcomes.attach(p, event, list[0].exe.Since)
	return event, ""
}

// attachLibraries attaches probes to the Go code in the libraries of a process. It returns
// the libraries with probes, and the reason why another cannot be captured.
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

// firstLook is the time from the attaching to the next look for libraries.
const firstLook = 50 * time.Millisecond

// dueForLibraries lists the processes that are due for a look for libraries. The intervals
// grow: a program can load libraries at any time.
func (t *table) dueForLibraries(now ktime.Time) []Process {
	return t.list(func(p *Process) bool {
		if p.File == nil || p.File.Skip == "" || len(p.libraries) > 0 || now < p.again {
			return false
		}
		first := p.again == 0 // the first look was at the attaching
		p.again = now.Add(max(now.Sub(p.At), firstLook))
		return !first
	})
}
