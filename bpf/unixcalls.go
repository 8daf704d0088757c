//go:build linux

package bpf

import (
	"errors"
	"os"
)

// AttachUnix attaches probes on Read and Write in the executable at path, whose TLS comes
// from packets, for connections on Unix sockets alone: those have no packets. They cost
// each call on the other connections a trap, and the way to its net.Conn. It returns false
// if there is no such executable, or no such connection in it.
func (x *Executables) AttachUnix(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, nil //nolint:nilerr // its process is gone, and its connections with it
	}
	defer f.Close()
	key, _, err := keyOf(f)
	if err != nil {
		return false, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	exe := x.cache.byKey[key]
	if exe == nil || exe.Plan == nil || exe.Calls || exe.unixTried || x.stopped || x.opts.NoCalls || len(exe.links) == 0 {
		return false, nil
	}
	exe.unixTried = true
	sites, err := exe.Plan.UnixCalls(f)
	if err != nil || len(sites) == 0 {
		return false, err
	}
	groups, err := x.sites.enterAll(exe, sites)
	if err != nil {
		return false, err
	}
	target, through, err := exe.target(f)
	if err != nil {
		return false, err
	}
	defer through.Close()
	before := len(exe.links)
	if err := x.sites.attach(exe, target, groups); err != nil { // one way of a connection is of no use
		links := exe.links[before:]
		exe.links = exe.links[:before:before]
		return false, errors.Join(err, closeLinks(links))
	}
	exe.unix = true
	return true, nil
}
