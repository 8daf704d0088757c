package bpf

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// tapLink is an attached probe and the tap it serves.
type tapLink struct {
	link.Link
	tap plan.Tap
}

// tapOf is the tap of a direction.
var tapOf = [2]plan.Tap{Send: plan.Write, Recv: plan.Read}

// ErrNotAttached is returned where an executable has no probes any more, or is
// another one by now.
var ErrNotAttached = errors.New("executable has no probes")

// PlanOf returns the plan of an executable as it stands now, or nil.
func (c *Collector) PlanOf(exe *Executable) *plan.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return exe.Plan
}

// Replaceable reports whether a direction of an executable has another plan
// than function entry and RET, which is what can take its place.
func (c *Collector) Replaceable(exe *Executable, dir int) bool {
	p := c.PlanOf(exe)
	if p == nil || c.opts.Empty {
		return false
	}
	return !slices.ContainsFunc(p.Sites, func(s plan.Site) bool { return s.Tap == tapOf[dir] && s.Kind == plan.Entry })
}

// Watch attaches witnesses of a direction in an executable, the file at path:
// where plaintext passes whatever the plan says. They cost 4 µs a call, so they
// are for probes that are not known to fire. What Replace takes is loaded, and
// what recovers the connections that then begin again.
func (c *Collector) Watch(exe *Executable, path string, dir int) error {
	kind, program := plan.Entry, probesProgWitnessWrite
	if dir == Recv {
		kind, program = plan.Ret, probesProgWitnessRead
	}
	err := c.withFallback(exe, path, dir, func(target *link.Executable, sites []plan.Site) error {
		if len(exe.witnesses[dir]) > 0 {
			return nil
		}
		g := &probeGroup{tap: tapOf[dir]}
		for _, s := range sites {
			if s.Kind != kind {
				continue
			}
			value, err := c.siteValue(exe, s)
			if err != nil {
				return err
			}
			prog, cookie, err := c.enterSite(exe, program, value)
			if err != nil {
				return err
			}
			g.prog = prog
			g.offsets, g.cookies = append(g.offsets, s.Offset), append(g.cookies, cookie)
		}
		links, err := g.attach(target, c.multi)
		exe.witnesses[dir] = append(exe.witnesses[dir], links...)
		return err
	})
	if err == nil {
		// An error comes again with what takes them.
		_ = c.programs.prepare(slices.Concat(fallbackPrograms[dir], recoveryPrograms)...)
	}
	return err
}

// Unwatch detaches the witnesses of a direction.
func (c *Collector) Unwatch(exe *Executable, dir int) error {
	c.mu.Lock()
	links := exe.witnesses[dir]
	exe.witnesses[dir] = nil
	c.mu.Unlock()
	return closeLinks(links)
}

// Witnessed returns how many calls the witnesses in a process saw move
// plaintext, by direction.
func (c *Collector) Witnessed(pid int, life Life) ([2]uint64, error) {
	var w probesWitnessed
	err := c.probes.Witnesses.Lookup(probesProcessKey{Tgid: uint32(pid), Life: uint32(life)}, &w)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return w.Calls, fmt.Errorf("read what witnesses saw: %w", err)
	}
	return w.Calls, nil
}

// Replace puts function entry and RET in the place of the probes of a direction
// that never fired, in an executable, the file at path. The connections that
// the given processes have open missed their first bytes: they end when more
// is seen of them, and begin again as joined in the middle.
func (c *Collector) Replace(exe *Executable, path string, dir int, pids []int) error {
	if err := c.markMissed(pids, false); err != nil {
		return err
	}
	err := c.withFallback(exe, path, dir, func(target *link.Executable, sites []plan.Site) error {
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
		replaced := *exe.Plan // others may be reading the old one
		replaced.Sites = slices.DeleteFunc(slices.Clone(replaced.Sites), func(s plan.Site) bool { return s.Tap == tapOf[dir] })
		replaced.Sites = append(replaced.Sites, sites...)
		exe.Plan = &replaced
		groups, err := c.enterSites(exe, sites, true)
		for _, g := range groups {
			if err == nil {
				var links []link.Link
				links, err = g.attach(target, c.multi)
				exe.hold(g.tap, links)
			}
		}
		return err
	})
	// Those that have begun again meanwhile need not do so twice.
	return errors.Join(err, c.markMissed(pids, true))
}

// markMissed tells the kernel which connections are to begin again: all, or
// those that were seen from their handshake on.
func (c *Collector) markMissed(pids []int, fromStart bool) error {
	conns, err := c.Conns()
	for _, s := range conns {
		if err == nil && !s.Closed && (s.Handshake || !fromStart) && slices.Contains(pids, s.PID) {
			err = c.probes.Missed.Put(s.ID, uint8(1))
		}
	}
	if err != nil {
		return fmt.Errorf("mark the connections that missed bytes: %w", err)
	}
	return nil
}

// withFallback calls f with the places of function entry and RET of a
// direction, while nothing else is attached or detached.
func (c *Collector) withFallback(exe *Executable, path string, dir int, f func(*link.Executable, []plan.Site) error) error {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exes.byKey[key] != exe || c.stopped || len(exe.links) == 0 {
		return ErrNotAttached
	}
	target, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return fmt.Errorf("attach probes: %w", err)
	}
	sites := slices.DeleteFunc(fallback.Sites, func(s plan.Site) bool { return s.Tap != tapOf[dir] })
	return f(target, sites)
}

// hold keeps links of a tap.
func (e *Executable) hold(tap plan.Tap, links []link.Link) {
	for _, l := range links {
		e.links = append(e.links, tapLink{l, tap})
	}
}

// takeLinks returns all links of an executable, which has none then.
func (e *Executable) takeLinks() []link.Link {
	links := slices.Concat(e.recovery.links, e.witnesses[Send], e.witnesses[Recv])
	for _, l := range e.links {
		links = append(links, l.Link)
	}
	e.links, e.recovery.links, e.witnesses = nil, nil, [2][]link.Link{}
	return links
}
