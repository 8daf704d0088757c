//go:build linux

package rights

import (
	"bytes"
	"errors"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// isLocked says that LockMemory has locked the memory, and the limit stays.
var isLocked atomic.Bool

// Locking are the capabilities that locked memory takes for good, in each thread that may map some
// (mlock_future_ok in mm/mmap.c): that of what parses, too, as the heap of Go grows in any.
func Locking() []cap.Value {
	if !isLocked.Load() {
		return nil
	}
	return []cap.Value{cap.IPC_LOCK}
}

func memlock() unix.Rlimit {
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
	return limit
}

// errSwap says what it takes to lock memory.
var errSwap = errors.New("memory is not locked: it takes CAP_IPC_LOCK, or ulimit -l unlimited")

// LockMemory keeps all memory of this process from swap, once it is used. The keys of TLS lie in
// what the library allocates, so that single pages will not do. A limit would end the process
// when it needs more memory, so this takes CAP_IPC_LOCK for good, or no limit: it lifts the limit
// where it may, with CAP_SYS_RESOURCE or below a hard limit that is none. Without, it is an error
// only where there is swap.
func LockMemory() error {
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	if memlock().Cur == unix.RLIM_INFINITY || Has(cap.IPC_LOCK) { // that of a user namespace locks nothing
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err == nil {
			isLocked.Store(memlock().Cur != unix.RLIM_INFINITY)
			return nil
		}
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && bytes.Count(swaps, []byte("\n")) <= 1 {
		return nil
	}
	return errSwap
}
