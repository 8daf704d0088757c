package bpf

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// PrepareRecovery loads what BeginRecovery takes, so that this is quicker.
func (c *Collector) PrepareRecovery() error {
	if c.opts.Empty {
		return nil
	}
	return c.programs.prepare(recoveryPrograms...)
}

// BeginRecovery attaches the probes that copy HPACK tables: in the executables
// at paths, as far as Attach was called for them, and until EndRecovery in all
// that Attach is called for. They cost the target 0.6 µs for each header field
// that it encodes, so they are not for long. Tables are copied only for
// connections whose Wish asks for them.
func (c *Collector) BeginRecovery(paths []string) error {
	// Not under the lock: executables that are held wait for that.
	if err := c.PrepareRecovery(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped || c.opts.Empty {
		return nil
	}
	c.recovering = true
	var err error
	for _, path := range paths {
		err = errors.Join(err, c.recoverIn(path))
	}
	return errors.Join(err, c.setRecovering(1))
}

// EndRecovery detaches what BeginRecovery attached.
func (c *Collector) EndRecovery() error {
	c.mu.Lock()
	var links []link.Link
	c.recovering = false
	for _, exe := range c.exes.byKey {
		links = append(links, exe.recovery.links...)
		exe.recovery.links = nil
	}
	err := c.setRecovering(0)
	c.mu.Unlock()
	// The kernel waits for a grace period; others need not wait with it.
	err = errors.Join(err, closeLinks(links))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, exe := range c.exes.byKey {
		if !exe.probed() {
			err = errors.Join(err, exe.unsecure())
		}
	}
	return err
}

// unsecure undoes secure, when the probes are gone.
func (exe *Executable) unsecure() error {
	held := exe.lease
	exe.lease, exe.mount = nil, 0
	if held == nil {
		return nil
	}
	return held.Close()
}

func (c *Collector) setRecovering(on uint32) error {
	if err := c.probes.Recovering.Set(on); err != nil {
		return fmt.Errorf("switch the recovery of header tables: %w", err)
	}
	return nil
}

// RecoveryHits returns how often the probes of BeginRecovery were hit so far.
func (c *Collector) RecoveryHits() (hits uint64, err error) {
	if err := c.probes.RecoveryHits.Get(&hits); err != nil {
		return 0, fmt.Errorf("read what recovery costs: %w", err)
	}
	return hits, nil
}

// recovery is what recovers tables in one executable.
type recovery struct {
	planned bool
	groups  []*probeGroup
	links   []link.Link
}

// recoverIn attaches the probes in the executable at path, unless that is gone.
func (c *Collector) recoverIn(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // its process is gone, and its connections with it
	}
	defer f.Close()
	key, _, err := keyOf(f)
	if err != nil {
		return err
	}
	exe := c.exes.byKey[key]
	if exe == nil || !exe.recovers() {
		return nil
	}
	return c.attachRecovery(exe, f)
}

// attachRecovery attaches the probes of the recovery in one file.
func (c *Collector) attachRecovery(exe *Executable, f *os.File) error {
	r := &exe.recovery
	if len(r.links) > 0 || c.stopped {
		return nil
	}
	if !r.planned {
		sites, err := plan.Recovery(f)
		if err != nil {
			return fmt.Errorf("plan the recovery of header tables: %w", err)
		}
		if r.groups, err = c.enterSites(exe, sites, false); err != nil {
			return err
		}
		r.planned = true
	}
	if len(r.groups) == 0 {
		return nil
	}
	through, err := exe.secure(f)
	if err != nil {
		return err
	}
	defer through.Close()
	target, err := openTarget(through)
	if err != nil {
		return err
	}
	for _, g := range r.groups {
		links, err := g.attach(target, c.multi)
		r.links = append(r.links, links...)
		if err != nil {
			return err
		}
	}
	return nil
}
