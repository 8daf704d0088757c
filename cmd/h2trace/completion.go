package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/completion"
	"h2trace/cmd/h2trace/internal/convert"
	"h2trace/cmd/h2trace/internal/manpages"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export"
	"h2trace/export/report"
)

// completionOptions is what the command line asks of completion.
type completionOptions struct {
	Shell string   // prints the script for it
	Words []string // else completes these
}

// parseCompletion reads what follows "completion".
func parseCompletion(before *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	fs, version, err := subcommandFlags(before, "completion", opts)
	if err != nil {
		return *opts, 0, err
	}
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "completion")
	}
	if *version {
		return *opts, actionVersion, nil
	}
	shells := strings.Join(completion.Shells, ", ")
	switch {
	case fs.NArg() == 0:
		return *opts, 0, usagef("completion needs a shell: %s", shells)
	case fs.NArg() > 1:
		return *opts, 0, usagef("completion takes one shell, and %q is one more", fs.Arg(1))
	case !slices.Contains(completion.Shells, fs.Arg(0)):
		return *opts, 0, usagef("there is no completion for %q; the shells are %s", fs.Arg(0), shells)
	}
	opts.Completion.Shell = fs.Arg(0)
	return *opts, actionCompletion, nil
}

// runCompletion prints the script for a shell, or what fits as the last word of a command line.
func runCompletion(opts completionOptions, msg *message.Printer, stdout io.Writer) int {
	if opts.Shell == "" {
		if err := commandLine().Complete(opts.Words).Write(stdout); err != nil {
			return exitRuntime // the shell shows what there is
		}
		return exitOK
	}
	script, err := completion.Script(opts.Shell)
	if err == nil {
		_, err = io.WriteString(stdout, script)
	}
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	return exitOK
}

// commandLine describes the command line: all flags that parseArgs takes, and their values.
func commandLine() *completion.Command {
	var opts Options
	fs := newFlagSet(&opts)
	fs.BoolP("version", "V", false, "")
	root := &completion.Command{Name: "h2trace", Flags: fs, Runs: observes, ManyPIDs: "pid"}
	for _, s := range manpages.Subcommands {
		sub := completion.Command{Name: s.Name, Help: s.Summary, ManyPIDs: "pid"}
		sub.Flags = subcommandSet(s.Name)
		if sub.Flags == nil {
			continue // not on this system
		}
		sub.Args = arguments(s.Name)
		sub.Runs = s.Name == "top"
		root.Subcommands = append(root.Subcommands, sub)
	}
	describe(root, "")
	for i := range root.Subcommands {
		describe(&root.Subcommands[i], root.Subcommands[i].Name)
	}
	return root
}

// subcommandSet returns the flags of a subcommand, or nil if this system does not have it.
func subcommandSet(name string) *pflag.FlagSet {
	var opts Options
	before := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs, _, _ := subcommandFlags(before, name, &opts)
	switch name {
	case "report":
		opts.Report.bind(fs)
	case "replay":
		opts.Replay.bind(fs)
	case "convert":
		opts.Convert.bind(fs)
	case "completion", "version", "help":
	default:
		return observingSet(fs, name)
	}
	return fs
}

// arguments returns what follows a subcommand.
func arguments(name string) func(before []string) completion.Values {
	files := completion.Values{Files: true}
	first := func(v, others completion.Values) func([]string) completion.Values {
		return func(before []string) completion.Values {
			if len(before) > 0 {
				return others
			}
			return v
		}
	}
	switch name {
	case "report", "replay":
		return func([]string) completion.Values { return files }
	case "convert":
		return first(completion.Of(convert.Formats...), files)
	case "completion":
		return first(completion.Of(completion.Shells...), completion.Values{})
	case "help":
		return first(completion.Of(append(topics(), causeTopics()...)...), completion.Values{})
	case "proxies":
		return func([]string) completion.Values { return completion.Of("direct") }
	}
	return nil
}

// describe sets the help on the flags of a command, and what values they take: those of
// flagValues, else what the manual calls them. A flag of a subcommand that its section does
// not have is that of observing.
func describe(c *completion.Command, topic string) {
	options := make(map[string]manpages.Option)
	for _, s := range manpages.Sections(manpages.Comment(docSource)) {
		if s.Title != "" && s.Topic() != topic {
			continue
		}
		for _, o := range manpages.AllOptions(s.Text) {
			options[o.Long] = o
		}
	}
	c.Describe = func(flag string) string { return options[flag].Help() }
	c.Values = make(map[string]completion.Values)
	known := flagValues()
	c.Flags.VisitAll(func(f *pflag.Flag) {
		v, ok := known[f.Name]
		if !ok {
			switch options[f.Name].Value {
			case "FILE", "PATH":
				v.Files = true
			case "DIR":
				v.Dirs = true
			}
		}
		c.Values[f.Name] = v
	})
}

// flagValues are the values of flags, where they can be listed.
func flagValues() map[string]completion.Values {
	values := map[string]completion.Values{
		"format":   completion.Of(string(formatJSON), string(formatText)),
		"events":   {Words: eventWords, List: true},
		"status":   completion.ListOf("1xx", "2xx", "3xx", "4xx", "5xx", "none"),
		"group-by": completion.Of(report.Groupings...),
	}
	addObservingValues(values)
	return values
}

// eventWords returns the values of -e: kinds of events, and types of frames after "frame=".
func eventWords(begin string) (list []completion.Word) {
	const frames = "frame="
	if strings.HasPrefix(begin, frames) {
		before := begin[:strings.LastIndexAny(begin, "=+")+1]
		for _, name := range export.FrameTypeNames() {
			list = append(list, completion.Word{Text: before + name})
		}
		return list
	}
	for _, name := range append(export.EventNames(), frames) {
		list = append(list, completion.Word{Text: name})
	}
	return list
}
