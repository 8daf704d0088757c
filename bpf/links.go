package bpf

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// probeGroup is the places in one executable that one program serves.
type probeGroup struct {
	prog    *ebpf.Program
	tap     plan.Tap
	offsets []uint64 // in the file
	cookies []uint64
}

// attach makes one link for all places where the kernel can (uprobe_multi,
// Linux 6.6), and else a link for each. A single link is not faster to hit but
// takes a third of the time to detach.
func (g *probeGroup) attach(exe *link.Executable, multi bool) ([]link.Link, error) {
	if multi {
		l, err := exe.UprobeMulti(nil, g.prog, &link.UprobeMultiOptions{Addresses: g.offsets, Cookies: g.cookies})
		if err != nil {
			return nil, fmt.Errorf("attach the %s probe: %w", g.tap, err)
		}
		return []link.Link{l}, nil
	}
	var links []link.Link
	for i, offset := range g.offsets {
		l, err := exe.Uprobe("", g.prog, &link.UprobeOptions{Address: offset, Cookie: g.cookies[i]})
		if err != nil {
			return links, fmt.Errorf("attach the %s probe: %w", g.tap, err)
		}
		links = append(links, l)
	}
	return links, nil
}

// closeLinks detaches all at once: the kernel waits for a grace period in each
// detach, and those that wait together share it.
func closeLinks(links []link.Link) error {
	errs := make([]error, len(links))
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() { errs[i] = l.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
