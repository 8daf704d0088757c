package top

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// heedEnds leaves the screen with the signals that end the process, or COMMAND.
func (s *Screen) heedEnds(over <-chan struct{}) {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	defer signal.Stop(ends)
	select {
	case <-over:
	case <-ends:
		s.app.QueueUpdate(s.app.Stop)
	}
}

// stop stops the process, and COMMAND, as the terminal does for Ctrl-Z, and returns when they go
// on. In a process group without a shell, nobody could have them go on, and the kernel does not
// stop them.
func stop() {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	signalGroup(syscall.SIGTSTP)
	select {
	case <-goesOn:
	case <-time.After(300 * time.Millisecond):
	}
}

// signalGroup does what the terminal would have done for Ctrl-C and Ctrl-Z: COMMAND gets the
// signal, too.
func signalGroup(sig syscall.Signal) { _ = syscall.Kill(0, sig) }
