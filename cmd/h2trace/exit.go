package main

// The exit statuses of h2trace. Running a command ends with that command's own
// status, or exitSignalBase plus the number of the signal that killed it; the
// statuses 125 to 127 mean what they mean to env(1), nohup(1) and timeout(1).
const (
	exitOK            = 0
	exitRuntime       = 1   // observing failed, or nothing could be observed
	exitUsage         = 2   // also for subcommands that are not built yet
	exitNotRun        = 125 // h2trace failed before starting the command, or lost output
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignalBase    = 128
)
