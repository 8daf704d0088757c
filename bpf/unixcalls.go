package bpf

import (
	"os"
)

// AttachUnix attaches probes on Read and Write in the executable at path, whose TLS comes
// from packets, for connections on Unix sockets alone: those have no packets. They cost
// each call on the other connections a trap. It returns false if there is no such
// executable, or no such connection in it.
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
	if exe == nil || exe.Plan == nil || exe.Calls || len(exe.unix) > 0 || x.stopped || x.opts.NoCalls || len(exe.links) == 0 {
		return false, nil
	}
	if exe.unix, err = exe.Plan.UnixCalls(f); err != nil || len(exe.unix) == 0 {
		return false, err
	}
	groups, err := x.sites.enterAll(exe, exe.unix)
	if err != nil {
		return false, err
	}
	target, through, err := exe.target(f)
	if err != nil {
		return false, err
	}
	defer through.Close()
	return true, x.sites.attach(exe, target, groups)
}
