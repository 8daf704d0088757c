//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// passingKind is a set of probes that come and go, in all executables at a time. They
// cost too much to stay.
type passingKind int

const (
	recovers passingKind = iota // those of Recovery
	spots                       // those of Spotting
	passingKinds
)

// passingProbes are those of a kind in one executable.
type passingProbes struct {
	planned bool
	groups  []*probeGroup
	links   []link.Link
}

// begin attaches the probes of a kind: in the executables at paths for which Attach was
// called, and until end in every executable of a later Attach.
func (x *Executables) begin(kind passingKind, paths []string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stopped || x.opts.Empty {
		return nil
	}
	x.on[kind] = true
	var err error
	for _, path := range paths {
		err = errors.Join(err, x.beginIn(path))
	}
	return err
}

// beginIn attaches what is on in the executable at path, unless it is gone.
func (x *Executables) beginIn(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // its process is gone, and its connections with it
	}
	defer f.Close()
	key, _, err := keyOf(f)
	if err != nil {
		return err
	}
	if exe := x.cache.byKey[key]; exe != nil {
		return x.attachPassing(exe, f)
	}
	return nil
}

// end detaches the probes of a kind.
func (x *Executables) end(kind passingKind) error {
	x.mu.Lock()
	var links []link.Link
	x.on[kind] = false
	for _, exe := range x.cache.byKey {
		links = append(links, exe.passing[kind].links...)
		exe.passing[kind].links = nil
	}
	x.mu.Unlock()
	// The kernel waits for a grace period; others need not wait for it.
	err := closeLinks(links)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, exe := range x.cache.byKey {
		if !exe.probed() {
			err = errors.Join(err, exe.unsecure())
		}
	}
	return err
}

// attachPassing attaches what is on in one file.
func (x *Executables) attachPassing(exe *Executable, f *os.File) error {
	for kind, on := range x.on {
		if p := &exe.passing[kind]; on && len(p.links) == 0 && !x.stopped {
			if err := x.attachKind(exe, f, passingKind(kind)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *Executables) attachKind(exe *Executable, f *os.File, kind passingKind) error {
	p := &exe.passing[kind]
	if !p.planned {
		sites, err := x.passingSites(exe, f, kind)
		if err != nil {
			return err
		}
		if p.groups, err = x.sites.enterAll(exe, sites); err != nil {
			return err
		}
		p.planned = true
	}
	if len(p.groups) == 0 {
		return nil
	}
	target, through, err := exe.target(f)
	if err != nil {
		return err
	}
	defer through.Close()
	for _, g := range p.groups {
		links, err := g.attach(target, x.sites.multi)
		p.links = append(p.links, links...)
		if err != nil {
			return err
		}
	}
	return nil
}

// passingSites returns the sites of a kind in an executable.
func (x *Executables) passingSites(exe *Executable, f *os.File, kind passingKind) ([]plan.Site, error) {
	switch {
	case kind == spots && exe.Plan != nil && !exe.Calls:
		return exe.Plan.Spots(), nil
	case kind == recovers && (exe.Plan != nil || exe.NoTLS != nil): // without TLS in the file, that of connections without TLS
		sites, err := plan.Recovery(f)
		if err != nil {
			return nil, fmt.Errorf("plan the recovery of header tables: %w", err)
		}
		return sites, nil
	}
	return nil, nil
}
