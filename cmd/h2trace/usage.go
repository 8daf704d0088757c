package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
)

// usageError is a mistake in the command line.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() + "; " + e.hint }

func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), "run 'h2trace help' for usage"}
}

// failed says why a command fails, and returns its exit status.
func failed(err error, msg *message.Printer) int {
	msg.Errorf("%v", err)
	if _, usage := errors.AsType[*usageError](err); usage {
		return exitUsage
	}
	return exitRuntime
}

// helpOr returns the action for a command line that asks for help on topic, or
// the error that it is.
func helpOr(err error, opts *Options, topic string) (Options, action, error) {
	if errors.Is(err, pflag.ErrHelp) {
		opts.Topic = topic
		return *opts, actionHelp, nil
	}
	return *opts, 0, err
}

// subcommandFlags returns the flags of a subcommand, of which those before it hold only -q, and
// what -V sets.
func subcommandFlags(before *pflag.FlagSet, name string, opts *Options) (fs *pflag.FlagSet, version *bool, err error) {
	before.Visit(func(f *pflag.Flag) {
		if f.Name != "quiet" {
			err = usagef("--%s has no meaning for %s", f.Name, name)
		}
	})
	fs = pflag.NewFlagSet("h2trace "+name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard) // the help text is the manual, not a list of flags
	fs.Usage = func() {}
	fs.BoolVarP(&opts.Quiet, "quiet", "q", opts.Quiet, "")
	return fs, fs.BoolP("version", "V", false, ""), err
}
