package process

import (
	"os"

	"h2trace/bpf"
	"h2trace/bpf/plan"
)

// Kernel is the kernel side of this package: the targets, their executables and their
// sockets.
type Kernel interface {
	AddTarget(pid int) error
	RemoveTarget(pid int) error
	// GenerationOf returns the generation of a target, or false if it is no target.
	GenerationOf(pid int) (bpf.Generation, bool)

	// Attach and AttachFile attach probes to an executable, until Release. Keeps
	// reports whether they may stay without a process that runs it.
	Attach(path string) (*bpf.Executable, error)
	AttachFile(f, own *os.File) (*bpf.Executable, error)
	Release(exe *bpf.Executable) error
	Keeps(exe *bpf.Executable) bool
	Probes(exe *bpf.Executable) []plan.Probe

	// OwnSockets makes a process the owner of the sockets that it has open.
	OwnSockets(pid int, generation bpf.Generation, comm string) error
}
