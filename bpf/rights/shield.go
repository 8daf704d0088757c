//go:build linux

package rights

import (
	"os"

	"golang.org/x/sys/unix"
)

// Shield keeps the memory of this process from core dumps, and from others of the same user who have
// not its capabilities: they can read neither /proc/PID/mem nor environ, nor attach with ptrace(2). A
// program with file capabilities begins like that.
func Shield() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// Unshielded calls f while /proc/self belongs to the user of this process, as reading its own
// memory takes without CAP_DAC_READ_SEARCH. Others of that user still need its capabilities.
func Unshielded(f func()) {
	if before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || before == 1 {
		f()
		return
	}
	defer func() { _ = Shield() }()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	f()
}

// NoCore has this process, and those that it starts from now on, dump no core, whatever else says so.
func NoCore() error {
	return os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
}
