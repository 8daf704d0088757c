//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/terminal"
	screen "h2trace/cmd/h2trace/internal/top"
	"h2trace/export"
	"h2trace/export/top"
)

// topRun is what top shows of an observation. A nil topRun shows nothing.
type topRun struct {
	opts  topOptions
	msg   *message.Printer
	model *top.Model
	feed  *screen.Feed
	begun time.Time

	// These are nil with --once.
	screen *screen.Screen
	spool  *screen.Spool // of the output of COMMAND, nil without one
	null   *os.File      // its stdin

	command string // its name
	shown   atomic.Bool
	ended   atomic.Bool // COMMAND has
	left    sync.Once
	err     error // of the screen, printed already
}

// newTopRun has the tracer give its events to top, and to nobody else.
func newTopRun(opts *Options, msg *message.Printer) (*topRun, error) {
	r := &topRun{opts: opts.Top, msg: msg, model: top.New(time.Now()), begun: time.Now()}
	if !r.opts.Once {
		if err := r.open(opts); err != nil {
			return nil, err
		}
	}
	r.feed = screen.NewFeed(r.model, r.protect)
	opts.Events = export.Nothing()
	opts.Listeners = append(opts.Listeners, export.Listener{Line: r.feed.Line, Moved: r.feed.Moved})
	return r, nil
}

// open opens the terminal.
func (r *topRun) open(opts *Options) error {
	var err error
	if len(opts.Command) > 0 {
		r.command = opts.Command[0]
		if r.null, err = os.Open(os.DevNull); err != nil {
			return err
		}
		if r.spool, err = screen.NewSpool(os.Stdout); err != nil {
			return err
		}
	}
	r.screen, err = screen.New(r.model, screen.Options{
		View: r.opts.View, Order: r.opts.Order, Delay: r.opts.Delay, Of: observed(opts), Notices: r.opts.notices,
		Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Left:  r.printOutput,
	})
	return err
}

// observed names what is observed.
func observed(opts *Options) string {
	if len(opts.Command) > 0 {
		return strings.Join(opts.Command, " ")
	}
	if opts.Top.all {
		return "all Go programs"
	}
	var list []string
	for _, pid := range opts.PIDs {
		name := "process"
		if p, err := procfs.Running(pid); err == nil {
			name = p.Comm
		}
		list = append(list, fmt.Sprintf("%s (%d)", name, pid))
	}
	return strings.Join(slices.Concat(list, opts.Names, opts.Cgroups), ", ")
}

// redirect keeps COMMAND from the terminal while a screen is on it.
func (r *topRun) redirect(l *launch.Spec) {
	if r == nil || r.spool == nil {
		return
	}
	l.Stdout = r.spool.FD()
	if terminal.Is(os.Stderr) {
		l.Stderr = r.spool.FD()
	}
	if terminal.Is(os.Stdin) {
		l.Stdin = int(r.null.Fd())
	}
}

// live reports whether there is a screen.
func (r *topRun) live() bool { return r != nil && r.screen != nil }

// show shows the observation, which ends when the user leaves, unless it ends before.
func (r *topRun) show(ctx context.Context, cancel context.CancelCauseFunc) {
	if r == nil {
		return
	}
	r.begun = time.Now()
	if r.screen == nil {
		return
	}
	r.shown.Store(true)
	r.failed(r.screen.Show())
	go func() {
		select {
		case <-r.screen.Quit():
			r.leave()
			cancel(nil)
		case <-ctx.Done():
			if !r.ended.Load() {
				r.leave()
			}
		}
	}()
}

// protect calls f, which does not leave the screen behind if it panics.
func (r *topRun) protect(f func()) {
	if r == nil {
		f()
		return
	}
	r.screen.Protect(f)
}

// leave leaves the screen.
func (r *topRun) leave() {
	r.left.Do(func() {
		r.failed(r.screen.Close())
		if r.command != "" && r.shown.Load() && !r.ended.Load() {
			r.msg.Infof("%s runs on; Ctrl-C ends it", r.command)
		}
	})
}

// failed prints an error of the screen, which the exit status says at the end.
func (r *topRun) failed(err error) {
	if err != nil {
		r.msg.Errorf("%v", err)
		r.err = errExplained
	}
}

// printOutput prints what COMMAND has printed, and goes on with it.
func (r *topRun) printOutput() {
	if r.spool != nil {
		r.spool.Follow()
	}
}

// commandEnded says that COMMAND has ended.
func (r *topRun) commandEnded() {
	if r != nil {
		r.ended.Store(true)
	}
}

// linger shows what was observed until the user leaves or the observation is to end.
func (r *topRun) linger(ctx context.Context, how string) {
	if !r.live() {
		return
	}
	r.feed.Close()
	r.screen.Over(time.Since(r.begun), how)
	select {
	case <-r.screen.Quit():
	case <-ctx.Done():
	}
	r.leave()
}

// end prints the table of --once, or what COMMAND has printed.
func (r *topRun) end(w io.Writer) error {
	if r == nil {
		return nil
	}
	took := time.Since(r.begun)
	r.feed.Close()
	if r.screen == nil {
		r.model.Whole(took)
		return r.model.State(time.Now(), r.opts.View).WriteText(w, r.opts.Order)
	}
	r.leave()
	if r.spool != nil {
		r.spool.Close()
	}
	return r.err
}
