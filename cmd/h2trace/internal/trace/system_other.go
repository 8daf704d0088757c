//go:build !unix

package trace

import (
	"syscall"

	"h2trace/export"
)

// AgentUsage returns nothing: this system has no getrusage(2).
func AgentUsage() (export.Agent, error) { return export.Agent{}, nil }

// errnoText formats an error, which only the kernel tells of: a capture has none.
func errnoText(errno syscall.Errno) string { return errno.Error() }
