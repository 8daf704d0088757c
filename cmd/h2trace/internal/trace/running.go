package trace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// sweep attaches to processes that are there already. What it found is printed
// when there is something to observe in any of them; else h2trace ends with
// one message, and no event that stands for a run.
type sweep struct {
	*processes
	named map[int]handle // by the id that -p gives
	seen  map[int]bool
	found []finding
}

// finding is a process and what became of attaching to it.
type finding struct {
	process
	outcome *export.Process
}

// attachRunning observes running processes, by their ids with handles that were
// opened early, and by the base names of their executables, and with follow their descendants. It fails when none
// of them can be observed and no name can bring others.
//
// A process is made a target before its children are looked for: those it
// forks from then on are added by the kernel, those from before are found.
func (p *processes) attachRunning(pids []int, named map[int]handle, names []string, follow bool) error {
	s := &sweep{processes: p, named: named, seen: map[int]bool{os.Getpid(): true}}
	var reasons []string
	for _, pid := range pids {
		if reason := s.attachNamed(pid); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	wanted := func(ppid int, exe string) bool {
		_, child := p.collector.LifeOf(ppid)
		return follow && child || slices.Contains(names, filepath.Base(exe))
	}
	for grown := follow || len(names) > 0; grown; {
		grown = false
		for _, now := range procfs.All() {
			if s.seen[now.PID] || !wanted(now.PPID, now.Exe) {
				continue
			}
			if proc, err := identify(openHandle(now.PID)); err == nil && wanted(proc.ppid, proc.exe) {
				grown = true
				s.attachOne(proc)
			}
		}
	}
	if p.attached == 0 && len(names) == 0 {
		return fmt.Errorf("nothing to observe: %s", strings.Join(reasons, "; "))
	}
	for _, reason := range reasons { // the others are observed
		p.msg.Infof("%s", reason)
	}
	for _, f := range s.found {
		p.print(f.process, f.outcome)
	}
	return nil
}

// attachNamed attaches to a process that -p names, also by one of its threads.
// It returns why nothing can be captured, or "".
func (s *sweep) attachNamed(id int) (reason string) {
	if id == os.Getpid() {
		return fmt.Sprintf("process %d is this h2trace", id)
	}
	named := s.named[id]
	pid := named.pid
	if s.seen[pid] {
		return ""
	}
	proc, err := identify(named)
	if err != nil {
		s.seen[pid] = true
		s.found = append(s.found, finding{proc, s.skip(proc, err.Error())})
		return err.Error()
	}
	if outcome := s.attachOne(proc); outcome.Action == export.ProcessSkipped {
		return fmt.Sprintf("process %d (%s): %s", pid, proc.comm, outcome.Reason)
	}
	return ""
}

// attachOne makes a process a target and gives its executable probes.
func (s *sweep) attachOne(proc process) *export.Process {
	s.seen[proc.pid] = true
	outcome := s.adopt(proc)
	s.found = append(s.found, finding{proc, outcome})
	return outcome
}

// maxHandles bounds the handles that are kept of targets that ran already.
const maxHandles = 128

// adopt makes a running process a target. The kernel drops targets when they
// exit, and this one may have done so just before it became one.
func (p *processes) adopt(proc process) *export.Process {
	if err := p.collector.AddTarget(proc.pid); err != nil {
		proc.letGo()
		return p.skip(proc, err.Error())
	}
	if proc.ended() {
		proc.letGo()
		if err := p.collector.RemoveTarget(proc.pid); err != nil {
			return p.skip(proc, err.Error())
		}
		return p.skip(proc, "it ended while h2trace attached to it")
	}
	p.holder.cover(proc.pid)
	proc.source = p.source(&proc, nil)
	p.learn(proc)
	outcome := p.attach(proc)
	if len(p.adopted) >= maxHandles {
		proc.letGo()
	}
	p.adopted = append(p.adopted, proc)
	return outcome
}

// reap drops the targets whose exit the kernel did not report, because they
// were past that point already when they became targets.
func (p *processes) reap() error {
	var err error
	now := monotonic()
	live := p.adopted[:0]
	for _, proc := range p.adopted {
		if !proc.ended() {
			live = append(live, proc)
			continue
		}
		proc.letGo()
		// In this order: the others stopped being targets before they had
		// ended, and whoever has the id by now leads another life.
		if life, ok := p.collector.LifeOf(proc.pid); !ok || life != proc.life {
			continue
		}
		err = errors.Join(err, p.collector.RemoveTarget(proc.pid))
		p.vanish(proc.pid, now)
	}
	clear(p.adopted[len(live):])
	p.adopted = live
	return err
}
