package process

import (
	"errors"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/trace/broker"
)

// inspector looks at processes in /proc and at the kernel's targets. That takes rights, which the
// reader of records may not have.
type inspector struct {
	kernel       Kernel
	environments environments
	containers   containers
}

// executed is a target that runs a new program, and what its record says besides.
type executed struct {
	process Process
	cgroup  uint64
	environ []byte
}

// complete adds to a target what /proc has of it, as long as it runs the program.
func (i *inspector) complete(e executed) (Process, error) {
	p := e.process
	if exe, err := procfs.Executable(p.PID); err == nil && i.isCurrent(&p) {
		p.Exe = exe
	}
	p.container = i.containers.of(&p, e.cgroup, i.isCurrent)
	p.Source = i.environments.source(&p, e.environ, i.isCurrent)
	return p, nil
}

// reaped are adopted targets: those that live, and those that have ended and were targets still.
type reaped struct{ live, ended []Process }

// reap ends the handles of those that have ended, and their being targets.
func (i *inspector) reap(adopted []Process) (r reaped, err error) {
	for _, p := range adopted {
		if !p.ended() {
			r.live = append(r.live, p)
			continue
		}
		p.letGo()
		// In this order: other processes stop being targets before they have
		// ended, and a new owner of the id has another generation.
		if generation, ok := i.kernel.GenerationOf(p.PID); !ok || generation != p.Generation {
			continue
		}
		err = errors.Join(err, i.kernel.RemoveTarget(p.PID))
		r.ended = append(r.ended, p)
	}
	return r, err
}

func (i *inspector) isCurrent(p *Process) bool { return isCurrent(i.kernel, p) }

// inspections are what the reader of records asks of an inspector.
type inspections struct {
	complete func(executed) (Process, error)
	reap     func([]Process) (reaped, error)
}

func newInspections(b *broker.Broker, i *inspector) inspections {
	return inspections{broker.Op(b, i.complete), broker.Op(b, i.reap)}
}

func newInspector(k Kernel) inspector {
	return inspector{kernel: k, environments: environments{reader: fetchenv.NewReader()}}
}
