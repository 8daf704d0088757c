// Package launch runs COMMAND: as which user, with which signals, found where, and
// with which exit status it ends.
//
// COMMAND begins as a launcher, a process of h2trace's own executable that waits
// until the probes are attached, and then executes it. Its process id, terminal,
// process group, limits and working directory are those of h2trace.
package launch

// Exit statuses, which mean what they mean to env(1), nohup(1) and timeout(1).
const (
	NotRun        = 125 // h2trace failed before it started COMMAND, or lost output
	notExecutable = 126
	notFound      = 127
	signalBase    = 128 // and the number of the signal that killed COMMAND
)
