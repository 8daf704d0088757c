//go:build linux

package bpf

import (
	"os"
	"slices"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// Executable is an analyzed file, with probes if it can be traced.
type Executable struct {
	// Plan is nil when the file cannot be traced; then Skip says why.
	Plan *plan.Plan
	Skip string
	// NoTLS is set next to Skip, if HTTP without TLS would be seen.
	NoTLS *plan.NoTLSError
	// Calls says that what TLS carries comes from its calls.
	Calls bool
	// Verified are the sites of Options.Verify that the file has.
	Verified []plan.Site
	// Since is when its probes were in place; earlier traffic of its processes is not
	// seen.
	Since ktime.Time

	key   exeKey
	other []exeKey // of the same inode, see sameInode
	users int
	links []link.Link
	// The programs in use, and the sites where they find their values, unless the
	// programs hold these themselves.
	programs  []programKey
	sites     []uint32
	unix      bool     // it has the probes of AttachUnix,
	unixTried bool     // or cannot have them
	lease     *os.File // nil where the file cannot be leased
	// mount is the mount of the file. It is 0 while the probes hold that mount,
	// because its end would go unnoticed. unmounted says that it is gone.
	mount     uint64
	unmounted bool
	own       *os.File // the file through a private mount, while AttachFile has it
	released  uint64   // how often it became idle
	ctime     unix.Timespec
	passing   [passingKinds]passingProbes
}

// types returns the type hashes that lead to a socket in this executable.
func (exe *Executable) types() plan.Types {
	switch {
	case exe.Plan != nil:
		return exe.Plan.Types
	case exe.NoTLS != nil:
		return exe.NoTLS.Types
	}
	return plan.Types{}
}

// probed reports whether it has probes.
func (exe *Executable) probed() bool {
	n := len(exe.links)
	for i := range exe.passing {
		n += len(exe.passing[i].links)
	}
	return n > 0
}

// Is reports whether an executable is the file that a process executed. On overlayfs
// the inode number does not say, and then only the size counts.
func (exe *Executable) Is(image Image) bool {
	is := func(key exeKey) bool { return key.overlay || key.ino == image.Inode }
	return exe.key.size == image.Size && (is(exe.key) || slices.ContainsFunc(exe.other, is))
}

// takeLinks returns all links of an executable, and forgets them.
func (exe *Executable) takeLinks() []link.Link {
	links := exe.links
	exe.links = nil
	for i := range exe.passing {
		links = append(links, exe.passing[i].links...)
		exe.passing[i].links = nil
	}
	return links
}

// unsecure undoes secure, after the probes are gone.
func (exe *Executable) unsecure() error {
	held := exe.lease
	exe.lease, exe.mount = nil, 0
	if held == nil {
		return nil
	}
	return held.Close()
}
