package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"h2trace/cmd/h2trace/internal/cgroup"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// Running selects running processes.
type Running struct {
	PIDs    []int
	Handles Handles // of PIDs
	Names   []string
	Cgroups []string // directories
	Follow  bool     // also their descendants
}

// expectsOthers reports whether processes that run later are selected, too.
func (w *Running) expectsOthers() bool { return len(w.Names)+len(w.Cgroups) > 0 }

// running attaches to running processes. It prints its findings if at least one process
// can be observed. Otherwise h2trace ends with one message and without an event.
type running struct {
	*Tracker
	wanted Running
	seen   map[int]bool
	inside map[int]bool // is in one of the cgroups
	found  []finding
}

// finding is a process and the outcome of attaching to it.
type finding struct {
	process Process
	outcome export.ProcessEvent
}

// AttachRunning observes running processes: by their ids, with handles opened early, and
// by the base names of their executables, and by their cgroups. With Follow it adds their descendants. It fails
// if none can be observed and no name or cgroup can bring others. Adopted lists its findings.
//
// It makes a process a target before it looks for its children: the kernel adds children
// forked later, and the look finds those forked earlier.
func (t *Tracker) AttachRunning(wanted Running) error {
	r := &running{Tracker: t, wanted: wanted, seen: map[int]bool{os.Getpid(): true}}
	var reasons []string
	for _, pid := range wanted.PIDs {
		if reason := r.attachNamed(pid); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	for grown := wanted.Follow || wanted.expectsOthers(); grown; {
		grown = r.attachFound()
	}
	if !t.outcomes.any() && !wanted.expectsOthers() {
		return fmt.Errorf("nothing to observe: %s", strings.Join(reasons, "; "))
	}
	for _, reason := range reasons { // the others are observed
		t.msg.Infof("%s", reason)
	}
	for i := range r.found {
		t.Print(&r.found[i].process, r.found[i].outcome)
	}
	return nil
}

// wants reports whether a process is selected. The gatekeeper is a child of h2trace.
func (r *running) wants(pid, ppid int, exe string) bool {
	_, child := r.kernel.GenerationOf(ppid)
	return r.wanted.Follow && child || slices.Contains(r.wanted.Names, filepath.Base(exe)) ||
		r.inside[pid] && ppid != os.Getpid()
}

// attachFound attaches to all selected processes, and reports whether it found new ones.
func (r *running) attachFound() (more bool) {
	r.inside = cgroup.Processes(r.wanted.Cgroups)
	for _, now := range procfs.All() {
		if r.seen[now.PID] || !r.wants(now.PID, now.PPID, now.Exe) {
			continue
		}
		if p, err := r.identify(openHandle(now.PID)); err == nil && r.wants(p.PID, p.PPID, p.Exe) {
			more = true
			r.attachOne(p)
		}
	}
	return more
}

// attachNamed attaches to a process that -p names, also by one of its threads.
// It returns why nothing can be captured, or "".
func (r *running) attachNamed(id int) (reason string) {
	if id == os.Getpid() {
		return fmt.Sprintf("process %d is this h2trace", id)
	}
	named := r.wanted.Handles[id]
	pid := named.pid
	if r.seen[pid] {
		return ""
	}
	p, err := r.identify(named)
	if err != nil {
		r.seen[pid] = true
		r.found = append(r.found, finding{p, r.outcomes.miss(&p, err.Error())})
		return err.Error()
	}
	if skipped, ok := r.attachOne(p).(export.ProcessSkipped); ok {
		return fmt.Sprintf("process %d (%s): %s", pid, p.Comm, skipped.Reason)
	}
	return ""
}

// attachOne makes a process a target and attaches probes to its executable.
func (r *running) attachOne(p Process) export.ProcessEvent {
	r.seen[p.PID] = true
	outcome := r.adopt(p)
	r.found = append(r.found, finding{p, outcome})
	return outcome
}

// maxHandles bounds the handles of targets that were running before.
const maxHandles = 128

// adopt makes a running process a target. The kernel drops a target at its exit, which may
// have come just before.
func (t *Tracker) adopt(p Process) export.ProcessEvent {
	if err := t.kernel.AddTarget(p.PID); err != nil {
		p.letGo()
		return t.outcomes.miss(&p, err.Error())
	}
	if p.ended() {
		p.letGo()
		if err := t.kernel.RemoveTarget(p.PID); err != nil {
			return t.outcomes.miss(&p, err.Error())
		}
		return t.outcomes.miss(&p, "it ended while h2trace attached to it")
	}
	t.holder.cover(p.PID)
	p.Source = t.environments.source(&p, nil, t.isCurrent)
	t.enter(p)
	outcome := t.attacher.attach(&p)
	if len(t.adopted) >= maxHandles {
		p.letGo()
	}
	t.adopted = append(t.adopted, p)
	return outcome
}

// Adopted lists the targets that were running before and have not ended.
func (t *Tracker) Adopted() []Process { return t.adopted }

// Reap drops the targets whose exit the kernel did not report: they were past that point
// when they became targets.
func (t *Tracker) Reap() error {
	if len(t.adopted) == 0 {
		return nil
	}
	now := t.now()
	r, err := t.inspect.reap(t.adopted)
	for _, p := range r.ended {
		t.Vanish(p.PID, now)
	}
	t.adopted = r.live
	return err
}
