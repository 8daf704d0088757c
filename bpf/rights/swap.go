//go:build linux

package rights

import (
	"bytes"
	"errors"
	"os"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Locking are the capabilities that LockMemory takes for good.
func Locking() []cap.Value {
	if memlock().Cur == unix.RLIM_INFINITY {
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
// when it needs more memory, so this takes CAP_IPC_LOCK for good, or no limit. Without, it is an
// error only where there is swap.
func LockMemory() error {
	if memlock().Cur == unix.RLIM_INFINITY || Has(cap.IPC_LOCK) { // that of a user namespace locks nothing
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err == nil {
			return nil
		}
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && bytes.Count(swaps, []byte("\n")) <= 1 {
		return nil
	}
	return errSwap
}
