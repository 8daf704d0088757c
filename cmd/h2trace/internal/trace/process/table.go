package process

import (
	"slices"
	"sync"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/procfs"
)

// table holds the known processes until they exit. It is safe for concurrent use.
type table struct {
	mu    sync.Mutex
	byPID map[int]Process
	total uint64
}

// enter adds a process, or the new program of a known one, and returns its state before.
func (t *table) enter(p Process) (before Process, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, again = t.byPID[p.PID]
	if !again {
		t.total++
	}
	if t.byPID == nil {
		t.byPID = make(map[int]Process)
	}
	t.byPID[p.PID] = p
	return before, again
}

// drop removes a process.
func (t *table) drop(pid int) (Process, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.byPID[pid]
	delete(t.byPID, pid)
	return p, ok
}

// at returns the process with an id.
func (t *table) at(pid int) (Process, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.byPID[pid]
	return p, ok
}

// current reports whether a process still exists and runs the same program. Otherwise its
// id may belong to another process.
func (t *table) current(p *Process) bool {
	known, ok := t.at(p.PID)
	return ok && known.At == p.At
}

// change changes the state of a process. It reports false if that is not current any
// more.
func (t *table) change(p *Process, f func(*Process)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.byPID[p.PID]
	if !ok || known.At != p.At {
		return false
	}
	f(&known)
	t.byPID[p.PID] = known
	return true
}

// list lists the processes for which f reports true. f may change them.
func (t *table) list(f func(*Process) bool) (list []Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for pid, p := range t.byPID {
		if f(&p) {
			list = append(list, p)
		}
		t.byPID[pid] = p
	}
	return list
}

// missing lists the processes that are not among the remaining targets, by id.
func (t *table) missing(left []int) []Process {
	list := t.list(func(p *Process) bool { return !slices.Contains(left, p.PID) })
	slices.SortFunc(list, func(a, b Process) int { return a.PID - b.PID })
	return list
}

// paths returns paths at which the executables of the processes can be opened.
func (t *table) paths() (paths []string) {
	t.list(func(p *Process) bool {
		paths = append(paths, procfs.Path(procfs.LivingThread(p.PID), "exe"))
		for _, l := range p.libraries {
			paths = append(paths, l.Path)
		}
		return false
	})
	return paths
}

// count returns the number of processes so far.
func (t *table) count() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// setFile sets the executable of a process, and setLibraries its libraries. They report
// false if the process is not current any more.
func (t *table) setFile(p *Process, exe *bpf.Executable) bool {
	return t.change(p, func(known *Process) { known.File = exe })
}

func (t *table) setLibraries(p *Process, list []loaded) bool {
	return t.change(p, func(known *Process) { known.libraries = list })
}
