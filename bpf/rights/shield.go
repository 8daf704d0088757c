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

// NoCore has this process, and those that it starts from now on, dump no core, whatever else says so.
func NoCore() error {
	return os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
}
