//go:build !linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/completion"
	"h2trace/cmd/h2trace/internal/message"
)

// On systems other than Linux, h2trace observes nothing. It reports, prints and converts what was recorded
// elsewhere, and what the go command prints with -x.

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Options is what the command line asks for.
type Options struct {
	Quiet   bool // -q
	Report  reportOptions
	Replay  replayOptions
	Convert convertOptions
	Topic   string // what help is asked on; "" is the whole manual

	Completion completionOptions
}

// action is what the command line asks h2trace to do.
type action int

const (
	actionReport action = iota
	actionReplay
	actionConvert
	actionVersion
	actionHelp
	actionCompletion
)

func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, shortUsage)
		return exitUsage
	}
	opts, action, err := parseArgs(args)
	msg := message.New(stderr, opts.Quiet)
	if err != nil {
		msg.Errorf("%v", err)
		return exitUsage
	}
	switch action {
	case actionHelp:
		return printHelp(opts.Topic, msg, stdout)
	case actionVersion:
		return printText(versionText(), msg, stdout)
	case actionReplay:
		return runReplay(opts.Replay, msg, stdin, stdout)
	case actionConvert:
		return runConvert(opts.Convert, msg, stdin, stdout)
	case actionCompletion:
		return runCompletion(opts.Completion, msg, stdout)
	}
	return runReport(opts.Report, msg, stdin, stdout)
}

// parseArgs reads the command line without the program name.
func parseArgs(args []string) (Options, action, error) {
	var opts Options
	fs := newFlagSet(&opts)
	version := fs.BoolP("version", "V", false, "")
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, &opts, topicFlags)
	}
	switch {
	case *version || fs.Arg(0) == "version":
		return opts, actionVersion, nil
	case fs.Arg(0) == "help":
		opts.Topic = strings.Join(fs.Args()[1:], "-")
		_, err := helpOn(opts.Topic)
		return opts, actionHelp, err
	case fs.Arg(0) == "report":
		return parseReport(fs, &opts, fs.Args()[1:])
	case fs.Arg(0) == "replay":
		return parseReplay(fs, &opts, fs.Args()[1:])
	case fs.Arg(0) == "convert":
		return parseConvert(fs, &opts, fs.Args()[1:])
	case fs.Arg(0) == "completion":
		return parseCompletion(fs, &opts, fs.Args()[1:])
	case fs.Arg(0) == completion.Hidden:
		opts.Completion.Words = fs.Args()[1:]
		return opts, actionCompletion, nil
	}
	return opts, 0, fmt.Errorf("on %s there is report, replay, convert, completion, help and version only: observing takes Linux", runtime.GOOS)
}

// newFlagSet binds the flags to opts.
func newFlagSet(opts *Options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("h2trace", pflag.ContinueOnError)
	fs.SetInterspersed(false)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.BoolVarP(&opts.Quiet, "quiet", "q", false, "")
	return fs
}

// parseFlags parses args.
func parseFlags(fs *pflag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return usagef("%w", err)
}
