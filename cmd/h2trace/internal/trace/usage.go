package trace

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/export"
)

// agentUsage returns what h2trace itself has used so far. COMMAND is a process
// of its own and not in it.
func agentUsage() (export.Agent, error) {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		return export.Agent{}, fmt.Errorf("get own resource usage: %w", err)
	}
	return export.Agent{
		CPU:         time.Duration(ru.Utime.Nano() + ru.Stime.Nano()),
		MaxRSSBytes: uint64(ru.Maxrss) << 10,
	}, nil
}
