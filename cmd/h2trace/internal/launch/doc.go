// Package launch runs COMMAND: it sets the user and the signals, finds the
// executable, and returns the exit status.
//
// COMMAND begins as a launcher, a process of h2trace's own executable that waits
// until the probes are attached, and then executes it. It keeps its process id, and
// inherits terminal, process group, limits and working directory from h2trace.
package launch

// Exit statuses, with the meaning that they have for env(1), nohup(1) and timeout(1).
const (
	NotRun        = 125 // h2trace failed before it started COMMAND, or lost output
	notExecutable = 126
	notFound      = 127
	signalBase    = 128 // plus the number of the signal that killed COMMAND
)
