//go:build linux

package main

import (
	"os"
	"slices"

	"kernel.org/pub/linux/libs/security/libcap/cap"

	"h2trace/bpf/rights"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/trace"
)

// confined is a tracer that gives up its rights as soon as it has attached. COMMAND does not inherit
// that: its process was started before.
type confined struct {
	*trace.Observer
	msg  *message.Printer
	keep []cap.Value
}

// newConfined makes the tracer.
func newConfined(opts Options, out *output.Output, msg *message.Printer) (*confined, error) {
	c := &confined{msg: msg}
	if err := rights.NoCore(); err != nil {
		c.notReduced(err)
	}
	if err := rights.LockMemory(); err != nil {
		msg.Infof("session secrets may get to swap: %v", err)
	}
	c.keep = slices.Concat(rights.Following(), forCommand(opts), forFiles(opts, out), rights.Locking())
	var err error
	c.Observer, err = trace.New(opts.Options, out, msg)
	return c, err
}

// AttachCommand is that of the Observer, and reduces the rights.
func (c *confined) AttachCommand(pid int, path string) error {
	if err := c.Observer.AttachCommand(pid, path); err != nil {
		return err
	}
	c.reduce(pid)
	return nil
}

// AttachRunning is that of the Observer, and reduces the rights.
func (c *confined) AttachRunning(pids []int, names []string) error {
	if err := c.Observer.AttachRunning(pids, names); err != nil {
		return err
	}
	c.reduce(0)
	return nil
}

// reduce gives up what following processes does not take. command may be signalled; 0 is none.
func (c *confined) reduce(command int) {
	if err := rights.Reduce(c.keep, command); err != nil {
		c.notReduced(err)
	}
}

// notReduced says that h2trace goes on with rights that it does not need.
func (c *confined) notReduced(err error) {
	c.msg.Infof("h2trace keeps rights that it does not need: %v", err)
}

// forCommand returns what it takes to pass signals on to a COMMAND of another user.
func forCommand(opts Options) []cap.Value {
	if len(opts.Command) == 0 {
		return nil
	}
	return []cap.Value{cap.KILL}
}

// forFiles returns what it takes to open files of the output later in a directory of another user:
// after SIGHUP, and with -C.
func forFiles(opts Options, out *output.Output) []cap.Value {
	var later []string
	if len(opts.Command) == 0 && out.Reopens() && !onOwnTerminal() {
		later = append(later, opts.Output)
	}
	if opts.Packets.Size > 0 {
		later = append(later, opts.Packets.Path)
	}
	switch {
	case len(later) > 0 && opts.User != "":
		return []cap.Value{cap.DAC_OVERRIDE, cap.CHOWN}
	case slices.ContainsFunc(later, output.NeedsOverride):
		return []cap.Value{cap.DAC_OVERRIDE}
	}
	return nil
}

// onOwnTerminal reports whether h2trace has a terminal that could hang up.
func onOwnTerminal() bool {
	stat, err := procfs.ReadStat(os.Getpid())
	return err != nil || stat.Terminal != 0
}
