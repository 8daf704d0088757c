//go:build linux

package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
	screen "h2trace/cmd/h2trace/internal/top"
	"h2trace/export/top"
)

// topOptions is what the command line asks of top.
type topOptions struct {
	Once  bool
	View  top.View
	Order top.Order
	Delay time.Duration // between two looks

	view, column string // as given

	wanted  bool
	all     bool            // Go programs are observed, as none are given
	notices *screen.Notices // nil with Once
}

// onceTakes is how long top --once observes processes that run.
const onceTakes = 2 * time.Second

// meaninglessForTop are the flags of observing that say what becomes of events and packets.
var meaninglessForTop = []string{
	"output", "append", "events", "format", "verbose", "report", "label", "keylog", "body-bytes", "verify", "plan",
	"host", "path", "status", "min-ms", "pcap", "pcap-size", "pcap-count", "otlp",
}

// parseTop reads what follows "top". The flags of observing may stand on both sides of it.
func parseTop(fs *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	t := &opts.Top
	t.wanted, t.Delay = true, time.Second
	t.bind(fs)
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
	if t.View, err = top.ParseView(t.view); err != nil {
		return *opts, 0, usagef("--view: %w", err)
	}
	if t.column != "" {
		if t.Order.Column, err = t.View.ParseColumn(t.column); err != nil {
			return *opts, 0, usagef("--sort: %w", err)
		}
	}
	opts.Command = fs.Args()
	if t.all = len(opts.Command) == 0 && len(opts.PIDs) == 0 && len(opts.Names) == 0 && len(opts.Cgroups) == 0; t.all {
		opts.Names = screen.Programs()
	}
	act, err := chooseMode(opts)
	if act == actionAttach && t.Once && opts.Duration == 0 {
		opts.Duration = onceTakes
	}
	return *opts, act, err
}

// bind binds the flags that only top has.
func (t *topOptions) bind(fs *pflag.FlagSet) {
	fs.BoolVar(&t.Once, "once", false, "")
	fs.StringVar(&t.view, "view", top.Views[top.Processes], "")
	fs.StringVar(&t.column, "sort", "", "")
	fs.VarP((*duration)(&t.Delay), "delay", "d", "")
}

// prepareTop returns where messages go, and an error if top cannot show anything here.
func prepareTop(opts *Options, act action, msg *message.Printer, stderr io.Writer) (*message.Printer, error) {
	if !opts.Top.wanted || opts.Top.Once || act != actionCommand && act != actionAttach {
		return msg, nil
	}
	if !terminal.Is(os.Stdout) {
		return msg, usagef("top draws on a terminal, and stdout is none; top --once prints a table")
	}
	opts.Top.notices = screen.NewNotices(stderr)
	return message.New(opts.Top.notices, opts.Quiet), nil
}
