//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
	screen "h2trace/cmd/h2trace/internal/top"
	"h2trace/export"
	"h2trace/export/top"
)

// topOptions is what the command line asks of top.
type topOptions struct {
	Once  bool
	View  top.View
	Order top.Order
	Delay time.Duration // between two looks

	wanted bool
}

// onceTakes is how long top --once observes processes that run.
const onceTakes = 2 * time.Second

// meaninglessForTop are the flags of observing that say what becomes of events.
var meaninglessForTop = []string{
	"output", "events", "format", "verbose", "report", "label", "keylog", "body-bytes", "verify", "plan",
	"host", "path", "status", "min-ms",
}

// parseTop reads what follows "top". The flags of observing may stand on both sides of it.
func parseTop(fs *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	t := &opts.Top
	t.wanted, t.Delay = true, time.Second
	var view, column string
	fs.BoolVar(&t.Once, "once", false, "")
	fs.StringVar(&view, "view", top.Views[top.Processes], "")
	fs.StringVar(&column, "sort", "", "")
	fs.VarP((*duration)(&t.Delay), "delay", "d", "")
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "top")
	}
	if fs.Changed("version") {
		return *opts, actionVersion, nil
	}
	for _, name := range meaninglessForTop {
		if fs.Changed(name) {
			return *opts, 0, usagef("--%s has no meaning for top", name)
		}
	}
	var err error
	if t.View, err = top.ParseView(view); err != nil {
		return *opts, 0, usagef("--view: %w", err)
	}
	if column != "" {
		if t.Order.Column, err = t.View.ParseColumn(column); err != nil {
			return *opts, 0, usagef("--sort: %w", err)
		}
	}
	opts.Command = fs.Args()
	act, err := chooseMode(opts)
	if act == actionAttach && t.Once && opts.Duration == 0 {
		opts.Duration = onceTakes
	}
	return *opts, act, err
}

// topRun is what top shows of an observation. A nil topRun shows nothing.
type topRun struct {
	opts  topOptions
	model *top.Model
	feed  *screen.Feed
	begun time.Time
}

// newTopRun has the tracer give its events to top, and to nobody else.
func newTopRun(opts *Options) *topRun {
	r := &topRun{opts: opts.Top, model: top.New(time.Now()), begun: time.Now()}
	r.feed = screen.NewFeed(r.model)
	opts.Events = export.Nothing()
	opts.Listener = export.Listener{Line: r.feed.Line}
	return r
}

// begin says that the observation begins.
func (r *topRun) begin() {
	if r != nil {
		r.begun = time.Now()
	}
}

// end prints the table of --once.
func (r *topRun) end(w io.Writer) error {
	if r == nil {
		return nil
	}
	took := time.Since(r.begun)
	r.feed.Close()
	if !r.opts.Once {
		return nil
	}
	r.model.Whole(took)
	return r.model.State(time.Now()).WriteText(w, r.opts.View, r.opts.Order)
}

// errNoTerminal is for a live view into a file or a pipe.
var errNoTerminal = errors.New("top draws on a terminal, and stdout is none; top --once prints a table")

// checkTop returns an error if top cannot show anything here.
func checkTop(opts *Options, msg *message.Printer) error {
	switch {
	case !opts.Top.wanted || opts.Top.Once:
		return nil
	case !terminal.Is(os.Stdout):
		return errNoTerminal
	}
	return fmt.Errorf("not yet")
}
