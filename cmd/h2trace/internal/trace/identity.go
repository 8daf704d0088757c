package trace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/procfs"
)

// A process id names whoever has it at the moment. What is read under it, from
// /proc or in a record of the kernel, is one process's only if that process
// had the id before and still has it after.

// handle stands for one process, whoever takes its id later.
type handle struct {
	pid  int
	file *os.File // see pidfd_open(2)
	err  error    // why there is none
}

// openHandle takes the id of a process, or of one of its threads.
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

// openHandles opens one for each of the ids.
func openHandles(ids []int) map[int]handle {
	list := make(map[int]handle, len(ids))
	for _, id := range ids {
		list[id] = openHandle(id)
	}
	return list
}

// running returns a process that runs now.
func running(pid int) (process, error) {
	at := monotonic()
	p, err := procfs.Running(pid)
	return process{at: at, pid: p.PID, ppid: p.PPID, comm: p.Comm, exe: p.Exe}, err
}

// identify reads what /proc says of the process of a handle, which it takes
// over.
func identify(h handle) (process, error) {
	proc, err := running(h.pid)
	if err == nil {
		err = h.err
	}
	proc.handle = h.file
	if err == nil && proc.ended() {
		err = fmt.Errorf("process %d does not exist", h.pid)
	}
	if err != nil {
		proc.letGo()
	}
	return proc, err
}

// ended reports whether no thread of the process is left, by its handle if it
// has one. The first thread can end before the others.
func (proc *process) ended() bool {
	if proc.handle == nil {
		return procfs.Ended(proc.pid)
	}
	polled := []unix.PollFd{{Fd: int32(proc.handle.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, 0)
	return err == nil && n > 0
}

// letGo closes the handle.
func (proc *process) letGo() {
	if proc.handle != nil {
		_ = proc.handle.Close()
		proc.handle = nil
	}
}

// is reports whether a process has its id still, and runs the same program.
func (p *processes) is(proc *process) bool {
	if proc.handle != nil {
		return !proc.ended()
	}
	life, ok := p.collector.LifeOf(proc.pid)
	return ok && life == proc.life
}

// open opens the executable of a process. The error is one of a process that
// is gone when another one has its id.
func (p *processes) open(proc *process) (*os.File, error) {
	f, err := os.Open(procfs.Path(procfs.LivingThread(proc.pid), "exe"))
	if err != nil {
		return nil, err
	}
	if !p.is(proc) {
		_ = f.Close()
		return nil, unix.ESRCH
	}
	return f, nil
}

// executable attaches to what a process runs, for as long as it does. One that
// is gone is attached to all the same, for the next process that runs it: by
// what it was held for, or by its path if that still leads to the same file.
func (p *processes) executable(proc process, met *bpf.Executable) (*bpf.Executable, error) {
	f, err := p.open(&proc)
	if err == nil {
		defer f.Close()
		exe, err := p.collector.AttachFile(f)
		if err != nil {
			return nil, err
		}
		return exe, p.hold(proc, exe)
	}
	if !procfs.Gone(err) {
		return nil, err
	}
	if met != nil {
		return met, nil // it had its probes while it ran
	}
	if !filepath.IsAbs(proc.exe) {
		return nil, err
	}
	exe, attachErr := p.collector.Attach(proc.exe)
	if attachErr != nil {
		return nil, err
	}
	if !exe.Is(proc.image) {
		return nil, errors.Join(err, p.collector.Release(exe))
	}
	return exe, p.hold(proc, exe)
}
