// Package pin keeps processes on one core.
package pin

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process pins all threads of this process to a core. Threads that these start inherit
// that. It also sets GOMAXPROCS to 1. A negative core changes nothing.
func Process(cpu int) error {
	if cpu < 0 {
		return nil
	}
	runtime.GOMAXPROCS(1)
	// A new thread may inherit the affinity of one that is not pinned yet. Repeat until
	// there is no new thread.
	pinned := make(map[int]bool)
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		more := false
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil || pinned[tid] {
				continue
			}
			if err := thread(tid, cpu); err != nil {
				return err
			}
			pinned[tid], more = true, true
		}
		if !more {
			return nil
		}
	}
}

// Start starts cmd on a core. A child inherits the affinity of the thread that forks it.
// That thread is not used again.
func Start(cmd *exec.Cmd, cpu int) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this function
		if err := thread(0, cpu); err != nil {
			started <- err
			return
		}
		started <- cmd.Start()
	}()
	return <-started
}

func thread(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(tid, &set))
}
