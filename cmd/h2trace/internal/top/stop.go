package top

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// heedStops leaves the screen while the process is stopped, as by Ctrl-Z, and ends it with the
// signals that end the process.
func (s *Screen) heedStops(over <-chan struct{}) {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	defer signal.Stop(ends)
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGTSTP)
	defer signal.Stop(stops)
	for {
		select {
		case <-over:
			return
		case <-ends:
			go s.app.QueueUpdate(s.app.Stop)
		case <-stops:
			s.app.QueueUpdate(func() { s.app.Suspend(func() { stop(stops) }) })
		}
	}
}

// stop stops the process as the terminal does, and returns when it goes on. In a process group
// without a shell, nobody could have it go on, and the kernel does not stop it.
func stop(stops chan<- os.Signal) {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	signal.Reset(syscall.SIGTSTP)
	defer signal.Notify(stops, syscall.SIGTSTP)
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGTSTP)
	select {
	case <-goesOn:
	case <-time.After(300 * time.Millisecond):
	}
}

// signalGroup does what the terminal would have done for Ctrl-C and Ctrl-Z: COMMAND gets the
// signal, too.
func signalGroup(sig syscall.Signal) { _ = syscall.Kill(0, sig) }
