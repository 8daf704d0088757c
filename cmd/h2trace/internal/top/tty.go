package top

import (
	"fmt"
	"os"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"
)

// tty is the terminal, and how it was.
type tty struct {
	tcell.Tty
	err    error // of the last Start
	screen tcell.Screen
	saved  *unix.Termios
}

// Start is part of tcell.Tty.
func (t *tty) Start() error {
	t.err = t.Tty.Start()
	return t.err
}

// openTTY opens the terminal that controls the process, or else the one that is stdout.
func openTTY() (*tty, error) {
	dev, err := tcell.NewDevTty()
	if err != nil {
		dev, err = tcell.NewDevTtyFromDev("/proc/self/fd/1")
	}
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	t := &tty{Tty: dev}
	t.saved, _ = unix.IoctlGetTermios(1, unix.TCGETS)
	if t.screen, err = tcell.NewTerminfoScreenFromTty(t); err != nil {
		return nil, fmt.Errorf("terminal %q: %w; try TERM=xterm, or top --once, which prints a table", os.Getenv("TERM"), err)
	}
	return t, nil
}

// restore sets the modes of the terminal as they were, where the screen cannot.
func (t *tty) restore() {
	if t.saved != nil {
		_ = unix.IoctlSetTermios(1, unix.TCSETS, t.saved)
	}
}
