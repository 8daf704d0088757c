package main

// The exit statuses of h2trace. Running a command ends as launch says: with that
// command's own, or with one of those that env(1) has.
const (
	exitOK      = 0
	exitRuntime = 1 // observing failed, or nothing could be observed
	exitUsage   = 2 // the command line has a mistake
	exitAssert  = 3 // an assertion of report does not hold
)
