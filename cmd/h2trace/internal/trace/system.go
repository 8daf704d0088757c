//go:build unix

package trace

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/export"
)

// AgentUsage returns what h2trace itself has used so far. COMMAND is a process
// of its own and not in it.
func AgentUsage() (export.Agent, error) {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		return export.Agent{}, fmt.Errorf("get own resource usage: %w", err)
	}
	return export.Agent{
		CPU:         time.Duration(ru.Utime.Nano() + ru.Stime.Nano()),
		MaxRSSBytes: maxRSS(&ru, runtime.GOOS),
	}, nil
}

// maxRSS returns the size in bytes. It is in KiB, and in bytes on Darwin: see getrusage(2) there.
func maxRSS(ru *unix.Rusage, system string) uint64 {
	if system == "darwin" {
		return uint64(ru.Maxrss)
	}
	return uint64(ru.Maxrss) << 10
}

// errnoText formats an error as strace does.
func errnoText(errno syscall.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name + " (" + errno.Error() + ")"
	}
	return errno.Error()
}
