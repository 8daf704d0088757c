//go:build linux

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
	target, through, err := exe.target(f)
	if err != nil {
		return err
	}
	defer through.Close()
	if x.opts.Verify && !x.opts.Empty {
		if exe.Verified, err = plan.Verification(f); err != nil {
			return errors.Join(err, x.detach(exe))
		}
	}
	groups, err := x.sites.enterAll(exe, slices.Concat(exe.Verified, x.sitesOf(exe)))
	// Passing ones first: their records describe the traffic that the others report.
	// These follow at once, as their programs are loaded.
	if err == nil {
		err = x.attachPassing(exe, f)
	}
	if err == nil {
		err = x.sites.attach(exe, target, groups)
	}
	if err != nil {
		return withAdvice(errors.Join(err, x.detach(exe)))
	}
	return nil
}

// sitesOf returns the sites of the plan of an executable that the options ask for.
func (x *Executables) sitesOf(exe *Executable) []plan.Site {
	p := exe.Plan
	switch {
	case !exe.Calls:
		elsewhere := slices.DeleteFunc(slices.Clone(p.Sites), func(s plan.Site) bool { return s.Tap != plan.Stderr })
		return slices.Concat(p.Secrets, p.Failures, elsewhere)
	case x.opts.FramesOnly:
		return p.Sites
	}
	return slices.Concat(p.Phases, p.Sites)
}

// byCalls reports whether what TLS carries in an executable comes from its calls, and not
// from packets and secrets: where it has no place that derives secrets, or where a process
// that already runs keeps its keys at places that are not known.
func (x *Executables) byCalls(p *plan.Plan) bool {
	if x.opts.NoCalls {
		return false
	}
	if !x.opts.Wire || len(p.Secrets) == 0 {
		return true
	}
	return x.on[spots] && p.TLS == nil && len(p.Sites) > 0
}

// secure makes probes in an executable, the file f, safe. It returns the file to attach
// them through.
func (exe *Executable) secure(f *os.File) (*os.File, error) {
	through, err := exe.throughOwnMount(f)
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

// throughOwnMount reopens the file f of an executable through a private mount: that of its lease, the
// one that came with it, or a new one.
func (exe *Executable) throughOwnMount(f *os.File) (*os.File, error) {
	have := exe.own
	if exe.mount != 0 && exe.lease != nil {
		have = exe.lease
	}
	if have == nil {
		return throughOwnMount(f)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", have.Fd()))
}

// target makes probes in an executable, the file f, safe, and opens it for them. They go
// to the inode of a file that is open until the caller closes it.
func (exe *Executable) target(f *os.File) (target *link.Executable, through *os.File, err error) {
	if through, err = exe.secure(f); err != nil {
		return nil, nil, err
	}
	target, err = link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", through.Fd()))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("attach probes: %w", err), through.Close())
	}
	return target, through, nil
}
