package bpf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// tapOf is the tap of a direction.
var tapOf = [2]plan.Tap{Send: plan.Write, Recv: plan.Read}

// ErrNotAttached is returned where an executable has no more probes, or has been
// replaced.
var ErrNotAttached = errors.New("executable has no probes")

// Witnesses find probes that do not fire, and replace them. Executables.mu guards the
// witnesses of an Executable.
type Witnesses struct {
	exes     *Executables
	conns    *Connections
	programs *programSet
	calls    *ebpf.Map // calls seen by witnesses, by process
}

// Replaceable reports whether the plan of a direction of an executable is other than
// function entry and RET, which can replace it.
func (w *Witnesses) Replaceable(exe *Executable, dir int) bool {
	p := w.exes.PlanOf(exe)
	if p == nil || w.exes.opts.Empty || !exe.Calls {
		return false
	}
	return !slices.ContainsFunc(p.Sites, func(s plan.Site) bool { return s.Tap == tapOf[dir] && s.Kind == plan.Entry })
}

// Watch attaches witnesses of a direction in an executable, the file at path: where
// plaintext passes whatever the plan is. They cost 4 µs a call, so only a probe that
// is not known to fire gets them. Watch also loads the programs that Replace needs,
// and those that recover the reopened connections.
func (w *Witnesses) Watch(exe *Executable, path string, dir int) error {
	kind, program := plan.Entry, probesProgWitnessWrite
	if dir == Recv {
		kind, program = plan.Ret, probesProgWitnessRead
	}
	err := w.withFallback(exe, path, dir, func(target *link.Executable, sites []plan.Site) error {
		if len(exe.witnesses[dir]) > 0 {
			return nil
		}
		g := &probeGroup{tap: tapOf[dir]}
		for _, s := range sites {
			if s.Kind != kind {
				continue
			}
			value, err := w.exes.sites.siteValue(exe, s)
			if err != nil {
				return err
			}
			prog, cookie, err := w.exes.sites.enter(exe, program, value)
			if err != nil {
				return err
			}
			g.prog = prog
			g.offsets, g.cookies = append(g.offsets, s.Offset), append(g.cookies, cookie)
		}
		links, err := g.attach(target, w.exes.sites.multi)
		exe.witnesses[dir] = append(exe.witnesses[dir], links...)
		return err
	})
	if err == nil {
		// take returns the error again.
		_ = w.programs.prepareNamed(context.Background(), slices.Concat(fallbackPrograms[dir], recoveryPrograms)...)
	}
	return err
}

// Unwatch detaches the witnesses of a direction.
func (w *Witnesses) Unwatch(exe *Executable, dir int) error {
	w.exes.mu.Lock()
	links := exe.witnesses[dir]
	exe.witnesses[dir] = nil
	w.exes.mu.Unlock()
	return closeLinks(links)
}

// Witnessed returns how many calls the witnesses in a process saw move plaintext, by
// direction.
func (w *Witnesses) Witnessed(pid int, generation Generation) ([2]uint64, error) {
	var seen probesWitnessed
	err := w.calls.Lookup(probesProcessKey{Tgid: uint32(pid), Generation: uint32(generation)}, &seen)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return seen.Calls, fmt.Errorf("read what witnesses saw: %w", err)
	}
	return seen.Calls, nil
}

// Replace puts function entry and RET in place of the probes of a direction that
// never fired, in an executable, the file at path. The open connections of the given
// processes missed their first bytes: they end at their next traffic, and reopen as
// joined in the middle.
func (w *Witnesses) Replace(exe *Executable, path string, dir int, pids []int) error {
	if err := w.conns.markMissed(pids, false); err != nil {
		return err
	}
	err := w.withFallback(exe, path, dir, func(target *link.Executable, sites []plan.Site) error {
		dead := exe.witnesses[dir]
		exe.witnesses[dir] = nil
		exe.links = slices.DeleteFunc(exe.links, func(l tapLink) bool {
			if l.tap == tapOf[dir] {
				dead = append(dead, l.Link)
			}
			return l.tap == tapOf[dir]
		})
		if err := closeLinks(dead); err != nil {
			return err
		}
		replaced := *exe.Plan // others may read the old one
		replaced.Sites = slices.DeleteFunc(slices.Clone(replaced.Sites), func(s plan.Site) bool { return s.Tap == tapOf[dir] })
		replaced.Sites = append(replaced.Sites, sites...)
		exe.Plan = &replaced
		groups, err := w.exes.sites.enterAll(exe, sites, true)
		if err != nil {
			return err
		}
		return w.exes.sites.attach(exe, target, groups)
	})
	// Connections that have reopened meanwhile need not do so twice.
	return errors.Join(err, w.conns.markMissed(pids, true))
}

// withFallback calls f with the sites of function entry and RET of a direction, while
// nothing else is attached or detached.
func (w *Witnesses) withFallback(exe *Executable, path string, dir int, f func(*link.Executable, []plan.Site) error) error {
	file, err := os.Open(path)
	if err != nil {
		return ErrNotAttached
	}
	defer file.Close()
	key, _, err := keyOf(file)
	if err != nil {
		return err
	}
	fallback, err := plan.Analyze(file, plan.EntryRet)
	if err != nil {
		return err
	}
	w.exes.mu.Lock()
	defer w.exes.mu.Unlock()
	if w.exes.cache.byKey[key] != exe || w.exes.stopped || len(exe.links) == 0 {
		return ErrNotAttached
	}
	target, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return fmt.Errorf("attach probes: %w", err)
	}
	sites := slices.DeleteFunc(fallback.Sites, func(s plan.Site) bool { return s.Tap != tapOf[dir] })
	return f(target, sites)
}
