//go:build linux

package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/completion"
	"h2trace/cmd/h2trace/internal/metricsserver"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/proxies"
	"h2trace/cmd/h2trace/internal/trace"
)

// Options is what the command line asks for. Exactly one of Command and PIDs
// is set, but for check, where PIDs may be empty.
type Options struct {
	trace.Options
	lines   lineOptions
	User    string               // -u; "" runs COMMAND as the user of h2trace
	Output  string               // -o; "" is stdout
	Append  bool                 // -A: keep what is in the file of -o
	Keys    string               // --keylog; "" is none
	Packets output.PacketOptions // --pcap, -C, -W
	OTLP    otlpFlag             // --otlp
	Quiet   bool                 // -q
	Sum     bool                 // -c: print the report instead of events
	Report  reportOptions
	Replay  replayOptions
	Convert convertOptions
	Top     topOptions
	Topic   string // what help is asked on; "" is the whole manual

	Completion completionOptions

	Proxies proxies.Options
	Metrics metricsserver.Address // --metrics; "" is none
}

// action is what the command line asks h2trace to do.
type action int

const (
	actionCommand action = iota // run COMMAND and observe it
	actionAttach                // observe running processes
	actionCheck
	actionReport
	actionProxies
	actionReplay
	actionConvert
	actionVersion
	actionHelp
	actionCompletion
)

// parseArgs reads the command line without the program name. Like those of
// strace, env and sudo, its flags end at the first argument that is not one, so
// that the flags of COMMAND need no "--". The options are usable for messages
// also beside an error.
func parseArgs(args []string) (Options, action, error) {
	var opts Options
	fs := newFlagSet(&opts)
	version := fs.BoolP("version", "V", false, "")
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, &opts, topicFlags)
	}
	if *version {
		return opts, actionVersion, nil
	}
	rest := fs.Args()
	if len(rest) > 0 && fs.ArgsLenAtDash() != 0 {
		switch name := rest[0]; name {
		case "check", "help", "version":
			return parseSubcommand(fs, &opts, name, rest[1:])
		case "report":
			return parseReport(fs, &opts, rest[1:])
		case "replay":
			return parseReplay(fs, &opts, rest[1:])
		case "convert":
			return parseConvert(fs, &opts, rest[1:])
		case "proxies":
			return parseProxies(fs, &opts, rest[1:])
		case "top":
			return parseTop(fs, &opts, rest[1:])
		case "completion":
			return parseCompletion(fs, &opts, rest[1:])
		case completion.Hidden:
			opts.Completion.Words = rest[1:]
			return opts, actionCompletion, nil
		}
	}
	opts.Command = rest
	if err := opts.lines.settle(fs); err != nil {
		return opts, 0, err
	}
	opts.Events = opts.lines.Events
	if err := chooseSource(&opts); err != nil {
		return opts, 0, err
	}
	if opts.Append && output.IsStdout(opts.Output) {
		return opts, 0, usagef("-A is for the FILE of -o, and there is none")
	}
	if fs.Changed("keylog") {
		if err := checkKeys(&opts); err != nil {
			return opts, 0, err
		}
	}
	if err := checkPacketFlags(fs, &opts); err != nil {
		return opts, 0, err
	}
	if err := checkOTLP(fs, &opts); err != nil {
		return opts, 0, err
	}
	if opts.Sum && (fs.Changed("events") || fs.Changed("format") || opts.lines.Verbose || opts.lines.selects(fs) || opts.BodyBytes > 0) {
		return opts, 0, usagef("-c prints the report instead of events, so that -e, -f, -s, -v and what selects exchanges have no meaning")
	}
	act, err := chooseMode(&opts)
	return opts, act, err
}

// checkKeys returns an error if there are no session secrets to write, or no file for them.
func checkKeys(opts *Options) error {
	switch {
	case !opts.Sources.Wire:
		return usagef("--keylog is for --source wire and auto: calls have no session secrets")
	case output.IsStdout(opts.Keys):
		return usagef("--keylog needs a file: secrets are not for stdout")
	}
	return nil
}

// chooseSource has the bytes taken from calls where other flags ask for something that
// only these have.
func chooseSource(opts *Options) error {
	flag := "--verify"
	if opts.Plan != trace.PlanAuto {
		flag = "--plan " + opts.Plan.String()
	} else if !opts.Verify {
		return nil
	}
	if !opts.Sources.Calls {
		return usagef("%s is for --source calls, not for --source wire", flag)
	}
	opts.Sources.Wire = false
	return nil
}

// parseFlags parses args. What a shell makes of "-p $(pidof NAME)" are several
// words: after -p, each that consists of PIDs is one more value of -p, and flags
// may follow it.
func parseFlags(fs *pflag.FlagSet, args []string) error {
	for {
		err := fs.Parse(args)
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok && missing.GetFlag().Name == "pid" {
			return usagef("-p needs a process id; pidof prints none where no process has that name")
		}
		if err != nil {
			return usagef("%w", err)
		}
		args = fs.Args()
		if len(args) == 0 || fs.ArgsLenAtDash() == 0 || !fs.Changed("pid") || !looksLikePIDs(args[0]) {
			return nil
		}
		if err := fs.Set("pid", args[0]); err != nil {
			return usagef("%w", err)
		}
		args = args[1:]
	}
}

// newFlagSet binds the flags to opts and sets the defaults.
func newFlagSet(opts *Options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("h2trace", pflag.ContinueOnError)
	fs.SetInterspersed(false)
	fs.SetOutput(io.Discard) // the help text is the manual, not a list of flags
	fs.Usage = func() {}

	opts.Buffer = defaultBuffer
	opts.Plan = trace.PlanAuto
	opts.Sources = trace.Auto
	fs.VarP((*pidList)(&opts.PIDs), "pid", "p", "")
	fs.VarP((*nameList)(&opts.Names), "name", "n", "")
	fs.Var((*cgroupList)(&opts.Cgroups), "cgroup", "")
	fs.StringVarP(&opts.User, "user", "u", "", "")
	fs.BoolVar(&opts.NoFollow, "no-follow", false, "")
	fs.BoolVar(&opts.NoGate, "no-gate", false, "")
	fs.StringVarP(&opts.Output, "output", "o", "", "")
	fs.BoolVarP(&opts.Append, "append", "A", false, "")
	opts.lines.bind(fs)
	fs.BoolVarP(&opts.Sum, "report", "c", false, "")
	fs.Var((*labelList)(&opts.Labels), "label", "")
	fs.StringVar(&opts.Keys, "keylog", "", "")
	bindPackets(fs, &opts.Packets)
	fs.StringVar(&opts.OTLP.url, "otlp", "", "")
	fs.Var(&opts.Metrics, "metrics", "")
	fs.VarP((*bodyBytes)(&opts.BodyBytes), "body-bytes", "s", "")
	fs.BoolVar(&opts.ShowSecrets, "show-secrets", false, "")
	fs.Var((*bufferSize)(&opts.Buffer), "buffer", "")
	fs.Var((*duration)(&opts.Duration), "duration", "")
	fs.BoolVar(&opts.Verify, "verify", false, "")
	fs.Var(&opts.Plan, "plan", "")
	fs.Var(&opts.Sources, "source", "")
	fs.BoolVarP(&opts.Quiet, "quiet", "q", false, "")
	return fs
}

// parseSubcommand reads what follows "check", "help" or "version". Flags may
// stand on both sides of the subcommand.
func parseSubcommand(fs *pflag.FlagSet, opts *Options, name string, args []string) (Options, action, error) {
	act := map[string]action{"check": actionCheck, "help": actionHelp, "version": actionVersion}[name]
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, name)
	}
	if fs.Changed("version") {
		return *opts, actionVersion, nil
	}
	if act == actionHelp {
		opts.Topic = strings.Join(fs.Args(), "-")
		if _, err := helpOn(opts.Topic); err != nil {
			return *opts, 0, err
		}
	} else if fs.NArg() > 0 {
		return *opts, 0, usagef("%s takes no argument %q; to run a command of that name, use h2trace -- %s",
			name, fs.Arg(0), name)
	}
	allowed := []string{"quiet"}
	if act == actionCheck {
		allowed = append(allowed, "pid", "user")
	}
	var err error
	fs.Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(allowed, f.Name) {
			err = usagef("--%s has no meaning for %s", f.Name, name)
		}
	})
	return *opts, act, err
}

// chooseMode tells running a command from attaching to processes.
func chooseMode(opts *Options) (action, error) {
	flag := "-p"
	if len(opts.PIDs) == 0 {
		flag = "-n"
		if len(opts.Names) == 0 {
			flag = "--cgroup"
		}
	}
	attach := len(opts.PIDs) > 0 || len(opts.Names) > 0 || len(opts.Cgroups) > 0
	switch {
	case attach && len(opts.Command) > 0:
		return 0, usagef("%s and COMMAND %q exclude each other", flag, opts.Command[0])
	case attach && opts.User != "":
		return 0, usagef("-u is for running a command, not for %s", flag)
	case attach:
		return actionAttach, nil
	case len(opts.Command) > 0:
		return actionCommand, nil
	default:
		return 0, usagef("no COMMAND, no -p PID, no -n NAME and no --cgroup PATH")
	}
}
