package process

import (
	"os"

	"h2trace/bpf"
	"h2trace/bpf/plan"
)

// Kernel is what this package asks of the kernel side: of the targets, their executables
// and their sockets.
type Kernel interface {
	AddTarget(pid int) error
	RemoveTarget(pid int) error
	// GenerationOf returns which program a target runs, or false for what is none.
	GenerationOf(pid int) (bpf.Generation, bool)

	// Attach and AttachFile give an executable its probes, until Release. Keeps
	// reports whether they may stay when no process runs it.
	Attach(path string) (*bpf.Executable, error)
	AttachFile(f *os.File) (*bpf.Executable, error)
	Release(exe *bpf.Executable) error
	Keeps(exe *bpf.Executable) bool
	PlanOf(exe *bpf.Executable) *plan.Plan

	// OwnSockets tells the kernel that a process has the sockets it has open.
	OwnSockets(pid int, generation bpf.Generation, comm string) error
}
