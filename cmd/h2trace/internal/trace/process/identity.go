package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/procfs"
)

// A process id names its current owner. Data read by an id, from /proc or a kernel record,
// belongs to a process only if it has the id before and after the read.

// handle refers to one process, even if another takes its id later.
type handle struct {
	pid  int
	file *os.File // see pidfd_open(2)
	err  error    // why there is none
}

// openHandle opens a handle by the id of a process, or of one of its threads.
func openHandle(id int) handle {
	h := handle{pid: procfs.ProcessOf(id)}
	fd, err := unix.PidfdOpen(h.pid, 0)
	if err != nil {
		h.err = fmt.Errorf("process %d: %w", h.pid, os.NewSyscallError("pidfd_open", err))
		return h
	}
	h.file = os.NewFile(uintptr(fd), fmt.Sprintf("process %d", h.pid))
	return h
}

// Handles holds handles by the process id that the user gave.
type Handles map[int]handle

// OpenHandles opens a handle for each id.
func OpenHandles(ids []int) Handles {
	list := make(Handles, len(ids))
	for _, id := range ids {
		list[id] = openHandle(id)
	}
	return list
}

// identify reads /proc for the process of a handle, and owns the handle from then on.
func (t *Tracker) identify(h handle) (Process, error) {
	at := t.now()
	now, err := procfs.Running(h.pid)
	p := Process{At: at, PID: now.PID, PPID: now.PPID, Comm: now.Comm, Exe: now.Exe, handle: h.file}
	p.container = t.containers.of(&p, 0, func(p *Process) bool { return !p.ended() })
	if err == nil {
		err = h.err
	}
	if err == nil && p.ended() {
		err = fmt.Errorf("process %d does not exist", h.pid)
	}
	if err != nil {
		p.letGo()
	}
	return p, err
}

// ended reports whether all threads of the process have ended, by its handle if it has
// one. The first thread can end before the others.
func (p *Process) ended() bool {
	if p.handle == nil {
		return procfs.Ended(p.PID)
	}
	polled := []unix.PollFd{{Fd: int32(p.handle.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, 0)
	return err == nil && n > 0
}

// letGo closes the handle.
func (p *Process) letGo() {
	if p.handle != nil {
		_ = p.handle.Close()
		p.handle = nil
	}
}

// isCurrent reports whether a process still has its id and runs the same program.
func isCurrent(k Kernel, p *Process) bool {
	if p.handle != nil {
		return !p.ended()
	}
	generation, ok := k.GenerationOf(p.PID)
	return ok && generation == p.Generation
}
