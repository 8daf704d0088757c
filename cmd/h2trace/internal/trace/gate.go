package trace

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

// maxMet bounds for how many processes it is remembered what they were held
// for.
const maxMet = 4096

// holder has executables held at exec until their probes are in place, and
// remembers what it met. The zero value holds nothing.
type holder struct {
	collector *bpf.Collector
	msg       *message.Printer
	gate      *gate.Gate
	once      sync.Once // closes gate

	mu  sync.Mutex
	met map[held]meeting // until its exec or its exit is reported
}

// held is a process in the life before its exec.
type held struct {
	pid  int
	life bpf.Life
}

// meeting is what a process was held for: a script and its interpreter, or a
// program and ld.so.
type meeting struct {
	exes    []*bpf.Executable
	release []func() // what was attached to for this process only
}

// of returns which of them a process executed in the end, or nil.
func (m meeting) of(image bpf.Image) *bpf.Executable {
	for _, exe := range m.exes {
		if exe.Is(image) {
			return exe
		}
	}
	return nil
}

// maxFiles bounds what one exec opens: interpreters may have interpreters.
const maxFiles = 16

// end takes back what was for the process only.
func (m meeting) end() {
	for _, release := range m.release {
		release()
	}
}

// newHolder starts to hold what the targets of c execute, and files of these
// names whoever executes them. Where that cannot be done it says so, and
// executables get their probes when their exec is reported.
func newHolder(c *bpf.Collector, names []string, msg *message.Printer) *holder {
	h := &holder{collector: c, msg: msg, met: make(map[held]meeting)}
	var err error
	h.gate, err = gate.Start(gate.Options{Targets: c.TargetMap(), Names: names, Attach: h.attach, Ended: h.ended})
	if err != nil {
		h.notHeld(err)
	}
	return h
}

func (h *holder) ended(reason error) { h.notHeld(fmt.Errorf("the gatekeeper ended: %w", reason)) }

func (h *holder) notHeld(reason error) {
	h.msg.Infof("executables not met before are not held until their probes are in place, "+
		"so their first connection may be joined in the middle: %v", reason)
}

// errNotKept is for a file whose probes cannot stay when no process runs it.
var errNotKept = errors.New("the probes do not outlive the process")

// attach gives a file its probes that a process is about to execute.
func (h *holder) attach(pid int, f *os.File) (release func(), err error) {
	exe, err := h.collector.AttachFile(f)
	if err != nil {
		return nil, err
	}
	release = func() {
		if err := h.collector.Release(exe); err != nil {
			h.msg.Errorf("%v", err)
		}
	}
	switch {
	case exe.Skip != "":
		h.meet(pid, exe, nil)
		release()
		return nil, nil
	case h.collector.Keeps(exe):
		h.meet(pid, exe, nil)
		return release, nil
	}
	h.meet(pid, exe, release)
	return nil, errNotKept
}

// meet remembers what a process is held for.
func (h *holder) meet(pid int, exe *bpf.Executable, release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	life, _ := h.collector.LifeOf(pid) // it waits in execve(2)
	key := held{pid, life}
	m, ok := h.met[key]
	if !ok && len(h.met) >= maxMet {
		for other, old := range h.met { // any one
			delete(h.met, other)
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
	h.met[key] = m
}

// has tells whether a process was held and has not been parted from.
func (h *holder) has(pid int, life bpf.Life) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.met[held{pid, life}]
	return ok
}

// part returns what a process was held for and forgets it. The caller ends it.
func (h *holder) part(pid int, life bpf.Life) meeting {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := held{pid, life}
	m := h.met[key]
	delete(h.met, key)
	return m
}

// cover has executables held that a process finds in its own mount namespace.
func (h *holder) cover(pid int) {
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

// close lets all go that is held.
func (h *holder) close() {
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
