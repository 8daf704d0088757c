package process

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// attacher attaches probes to the executables and libraries of processes, in a goroutine
// of its own.
type attacher struct {
	kernel   Kernel
	holder   *Holder
	msg      *message.Printer
	verify   bool // headers are to be verified
	table    *table
	outcomes *outcomes
	late     func(path string) error // Config.Late
}

// attach attaches probes to the executable of a process. It returns the event to print:
// attached, or skipped with the reason why nothing can be captured.
func (a *attacher) attach(p *Process) export.ProcessEvent {
	held := a.holder.part(p.PID, p.before)
	defer held.end()
	exe, err := a.executable(p, held.of(p.image))
	// After the probes, so that probes report first what packets report too.
	if ownErr := a.kernel.OwnSockets(p.PID, p.Generation, p.Comm); ownErr != nil {
		a.msg.Errorf("%v", ownErr)
	}
	switch {
	case procfs.Gone(err):
		return a.outcomes.miss(p, "it exited before it could be looked at")
	case err != nil:
		return a.outcomes.miss(p, err.Error())
	case exe.Skip != "":
		return a.library(p, exe)
	}
	if what := unverified(exe.Verified); a.verify && what != "" {
		a.msg.Infof("%s: %s cannot be verified: it has no HTTP/2 code of a known form", p.Exe, what)
	}
	a.join(p, exe, procfs.Path(procfs.LivingThread(p.PID), "exe"))
	event := attached(a.kernel, exe)
	a.outcomes.attach(p, event, exe.Since)
	return event
}

// join has the keys of connections found whose handshake a process may have made before
// the probes in a file that it runs.
func (a *attacher) join(p *Process, exe *bpf.Executable, path string) {
	if exe.Since < p.At || exe.Calls || a.late == nil {
		return
	}
	if err := a.late(path); err != nil {
		a.msg.Errorf("%v", err)
	}
}

// packets is how the bytes of connections are seen without probes.
var packets = export.Tap{Name: "packets", Probe: "cgroup_skb"}

// attached returns the event for an executable with probes.
func attached(k Kernel, exe *bpf.Executable) *export.ProcessAttached {
	if exe.NoTLS != nil {
		return &export.ProcessAttached{
			GoVersion: exe.NoTLS.GoVersion, BuildID: exe.NoTLS.BuildID,
			Plan: []export.Tap{packets},
		}
	}
	event := &export.ProcessAttached{GoVersion: exe.Plan.GoVersion, BuildID: exe.Plan.BuildID}
	for _, probe := range k.Probes(exe) {
		if probe.Tap == plan.KeyLog {
			event.Plan = append(event.Plan, packets)
		}
		event.Plan = append(event.Plan, export.Tap{Name: string(probe.Tap), Probe: probe.Name})
	}
	return event
}

// unverified returns a message about the headers of an executable that cannot be
// verified, or "".
func unverified(sites []plan.Site) string {
	sent, received := false, false
	for _, s := range sites {
		sent = sent || s.Tap == plan.VerifyEncoded
		received = received || s.Tap == plan.VerifyDecoded
	}
	switch {
	case sent && received:
		return ""
	case sent:
		return "headers that it receives"
	case received:
		return "headers that it sends"
	}
	return "its headers"
}

// executable attaches probes to the executable of a process, for as long as it runs. If
// the process is gone, the next one that runs the file still gets them: the file is that
// of the exec hold, or the one at its path if that is unchanged.
func (a *attacher) executable(p *Process, held *bpf.Executable) (*bpf.Executable, error) {
	f, err := a.open(p)
	if err == nil {
		defer f.Close()
		exe, err := a.kernel.AttachFile(f, nil)
		if err != nil {
			return nil, err
		}
		return exe, a.keep(p, exe)
	}
	if !procfs.Gone(err) {
		return nil, err
	}
	if held != nil {
		return held, nil // its probes were in place while it ran
	}
	if !filepath.IsAbs(p.Exe) {
		return nil, err
	}
	exe, attachErr := a.kernel.Attach(p.Exe)
	if attachErr != nil {
		return nil, err
	}
	if !exe.Is(p.image) {
		return nil, errors.Join(err, a.kernel.Release(exe))
	}
	return exe, a.keep(p, exe)
}

// open opens the executable of a process. If another process has its id, the error is
// that of a process that is gone.
func (a *attacher) open(p *Process) (*os.File, error) {
	f, err := os.Open(procfs.Path(procfs.LivingThread(p.PID), "exe"))
	if err != nil {
		return nil, err
	}
	if !isCurrent(a.kernel, p) {
		_ = f.Close()
		return nil, unix.ESRCH
	}
	return f, nil
}

// keep records the executable of a process for its release. If the process has exited or
// runs another program, keep releases it at once.
func (a *attacher) keep(p *Process, exe *bpf.Executable) error {
	if a.table.setFile(p, exe) {
		return nil
	}
	return a.kernel.Release(exe)
}

// release releases the executable and the libraries of a process.
func (a *attacher) release(p *Process) error {
	return errors.Join(a.releaseLibraries(p.libraries), a.kernel.Release(p.File))
}
