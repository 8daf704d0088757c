package process

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"h2trace/bpf"
	"h2trace/bpf/gate"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
)

// maxHolds bounds the number of remembered exec holds.
const maxHolds = 4096

// Holder holds executables at exec until their probes are in place, and remembers the
// executables of each hold. The zero value holds nothing.
type Holder struct {
	kernel Kernel
	msg    *message.Printer
	gate   *gate.Gate
	once   sync.Once // closes gate

	mu    sync.Mutex
	holds map[program]hold // until the exec or exit is reported
}

// program is a process and the program that it runs until its exec.
type program struct {
	pid        int
	generation bpf.Generation
}

// hold holds the executables of one exec: a script and its interpreter, or a program and
// ld.so.
type hold struct {
	exes    []*bpf.Executable
	release []func() // of probes for this process only
}

// of returns the executable that the process runs after the exec, or nil.
func (h hold) of(image bpf.Image) *bpf.Executable {
	for _, exe := range h.exes {
		if exe.Is(image) {
			return exe
		}
	}
	return nil
}

// maxFiles bounds the files of one exec: interpreters may have interpreters.
const maxFiles = 16

// end releases the probes for this process only.
func (h hold) end() {
	for _, release := range h.release {
		release()
	}
}

// NewHolder starts to hold the executables of the targets of opts, and files with its names
// in any process. If that fails it prints a message, and executables get their probes when
// their exec is reported.
func NewHolder(k Kernel, opts gate.Options, msg *message.Printer) *Holder {
	h := &Holder{kernel: k, msg: msg, holds: make(map[program]hold)}
	var err error
	opts.Attach, opts.Ended = h.attach, h.ended
	h.gate, err = gate.Start(opts)
	if err != nil {
		h.notHeld(err)
		return h
	}
	h.cover(1) // a container, or a service, does not see all file systems of the host
	return h
}

func (h *Holder) ended(reason error) { h.notHeld(fmt.Errorf("the gatekeeper ended: %w", reason)) }

func (h *Holder) notHeld(reason error) {
	h.msg.Infof("executables not met before are not held until their probes are in place, "+
		"so their first connection may be joined in the middle: %v", reason)
}

// errNotKept says that the probes of a file cannot stay without a process that runs it.
var errNotKept = errors.New("the probes do not outlive the process")

// attach attaches probes to a file that a process is about to execute. own is that through a private
// mount, or nil.
func (h *Holder) attach(pid int, f, own *os.File) (release func(), err error) {
	exe, err := h.kernel.AttachFile(f, own)
	if err != nil {
		return nil, err
	}
	release = func() {
		if err := h.kernel.Release(exe); err != nil {
			h.msg.Errorf("%v", err)
		}
	}
	switch {
	case exe.Skip != "":
		h.add(pid, exe, nil)
		release()
		return nil, nil
	case h.kernel.Keeps(exe):
		h.add(pid, exe, nil)
		return release, nil
	}
	h.add(pid, exe, release)
	return nil, errNotKept
}

// add remembers an executable of an exec hold.
func (h *Holder) add(pid int, exe *bpf.Executable, release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	generation, _ := h.kernel.GenerationOf(pid) // it waits in execve(2)
	key := program{pid, generation}
	m, ok := h.holds[key]
	if !ok && len(h.holds) >= maxHolds {
		for other, old := range h.holds { // any one
			delete(h.holds, other)
			old.end()
			break
		}
	}
	if len(m.exes) < maxFiles {
		m.exes = append(m.exes, exe)
	}
	if release != nil {
		m.release = append(m.release, release)
	}
	h.holds[key] = m
}

// has reports whether the hold of a process is remembered.
func (h *Holder) has(pid int, generation bpf.Generation) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.holds[program{pid, generation}]
	return ok
}

// part removes and returns the hold of a process. The caller ends it.
func (h *Holder) part(pid int, generation bpf.Generation) hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := program{pid, generation}
	m := h.holds[key]
	delete(h.holds, key)
	return m
}

// cover extends the holding to the mount namespace of a process.
func (h *Holder) cover(pid int) {
	if h.gate == nil {
		return
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return
	}
	thread := procfs.LivingThread(pid)
	if other, err := os.Readlink(procfs.Path(thread, "ns/mnt")); err == nil && other != own {
		h.gate.Cover(thread)
	}
}

// Close ends all holds. Wait follows.
func (h *Holder) Close() {
	if h.gate == nil {
		return
	}
	h.once.Do(func() {
		h.gate.Close()
		switch n := h.gate.Late(); {
		case n == 1:
			h.msg.Infof("1 execution went on before its probes were in place")
		case n > 1:
			h.msg.Infof("%d executions went on before their probes were in place", n)
		}
	})
}

// Wait waits for the end of the gatekeeper.
func (h *Holder) Wait() {
	if h.gate != nil {
		h.gate.Wait()
	}
}
