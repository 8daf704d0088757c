//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/plan"
)

// probeGroup is the set of places in one executable that one program serves.
type probeGroup struct {
	prog    *ebpf.Program
	tap     plan.Tap
	offsets []uint64 // in the file
	cookies []uint64
}

// attach creates one link for all places if the kernel can (uprobe_multi, Linux 6.6),
// otherwise one for each. A single link is not faster to hit, but takes a third of
// the time to detach.
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

// closing bounds how many links are closed at a time. Each takes a thread, which the
// Go runtime keeps for good.
var closing = make(chan struct{}, 32)

// closeLinks detaches many at a time: the kernel waits for grace periods in each
// detach, some 50 ms, and those that wait together share them.
func closeLinks(links []link.Link) error {
	errs := make([]error, len(links))
	var wg sync.WaitGroup
	for i, l := range links {
		closing <- struct{}{}
		wg.Go(func() {
			defer func() { <-closing }()
			errs[i] = l.Close()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
