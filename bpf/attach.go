package bpf

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// attachPlan attaches all sites of a plan or none. It names the file by its
// descriptor, so the inode stays the same whatever its path holds meanwhile.
func (x *Executables) attachPlan(exe *Executable, f *os.File) error {
	through, err := exe.secure(f)
	if err != nil {
		return err
	}
	defer through.Close()
	target, err := openTarget(through)
	if err != nil {
		return err
	}
	if x.opts.Verify && !x.opts.Empty {
		if exe.Verified, err = plan.Verification(f); err != nil {
			return errors.Join(err, x.detach(exe))
		}
	}
	groups, err := x.sites.enterAll(exe, slices.Concat(exe.Verified, x.sitesOf(exe.Plan)), false)
	// Recovery first: its records describe the traffic that the others report. These
	// follow at once, as their programs are loaded.
	if err == nil && x.recovering {
		err = x.attachRecovery(exe, f)
	}
	if err == nil {
		err = x.sites.attach(exe, target, groups)
	}
	if err != nil {
		return withAdvice(errors.Join(err, x.detach(exe)))
	}
	return nil
}

// sitesOf returns the sites of a plan that the options ask for.
func (x *Executables) sitesOf(p *plan.Plan) []plan.Site {
	switch {
	case x.opts.bySecrets(p):
		elsewhere := slices.DeleteFunc(slices.Clone(p.Sites), func(s plan.Site) bool { return s.Tap != plan.Stderr })
		return slices.Concat(p.Secrets, elsewhere)
	case x.opts.FramesOnly:
		return p.Sites
	}
	return slices.Concat(p.Phases, p.Sites)
}

// bySecrets reports whether what TLS carries in an executable comes from packets and
// secrets. Without a place where it derives secrets it has the other probes.
func (o *Options) bySecrets(p *plan.Plan) bool { return o.Wire && len(p.Secrets) > 0 }

// secure makes probes in an executable, the file f, safe. It returns the file to
// attach them through, which the caller closes.
func (exe *Executable) secure(f *os.File) (*os.File, error) {
	through, err := throughOwnMount(f)
	if err == nil && exe.mount == 0 {
		exe.mount = listedMountOf(f)
	}
	if err != nil {
		if through, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			return nil, fmt.Errorf("attach probes: %w", err)
		}
	}
	if exe.lease == nil {
		exe.lease = lease(through)
	}
	return through, nil
}

// openTarget opens a file for probes. They go to the inode of its descriptor as long
// as it is open.
func openTarget(f *os.File) (*link.Executable, error) {
	target, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("attach probes: %w", err)
	}
	return target, nil
}

// attachRecovery attaches the probes of the recovery in one file.
func (x *Executables) attachRecovery(exe *Executable, f *os.File) error {
	r := &exe.recovery
	if len(r.links) > 0 || x.stopped {
		return nil
	}
	if !r.planned {
		sites, err := plan.Recovery(f)
		if err != nil {
			return fmt.Errorf("plan the recovery of header tables: %w", err)
		}
		if r.groups, err = x.sites.enterAll(exe, sites, false); err != nil {
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
		links, err := g.attach(target, x.sites.multi)
		r.links = append(r.links, links...)
		if err != nil {
			return err
		}
	}
	return nil
}
