package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/replay"
	"h2trace/cmd/h2trace/internal/terminal"
	"h2trace/export/text"
)

// replayOptions is what the command line asks of replay.
type replayOptions struct {
	lines   lineOptions
	packets replay.PacketOptions
	Files   []string // "-" is stdin
	Quiet   bool
}

// parseReplay reads what follows "replay".
func parseReplay(before *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	fs, version, err := subcommandFlags(before, "replay", opts)
	if err != nil {
		return *opts, 0, err
	}
	r := &opts.Replay
	r.bind(fs)
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "replay")
	}
	if *version {
		return *opts, actionVersion, nil
	}
	r.Files, r.Quiet = fs.Args(), opts.Quiet
	return *opts, actionReplay, r.lines.settle(fs)
}

// bind binds the flags.
func (r *replayOptions) bind(fs *pflag.FlagSet) {
	r.lines.bind(fs)
	fs.StringArrayVar(&r.packets.KeyLogs, "keylog-file", nil, "")
	fs.VarP((*bodyBytes)(&r.packets.BodyBytes), "body-bytes", "s", "")
	fs.BoolVar(&r.packets.ShowSecrets, "show-secrets", false, "")
}

// secretsShown says what --show-secrets does. Who reads the output may not be who gave the flag.
const secretsShown = "--show-secrets: passwords, tokens and cookies are printed as they are"

// runReplay prints recorded events.
func runReplay(opts replayOptions, msg *message.Printer, stdin *os.File, stdout io.Writer) int {
	files, err := inputFiles(opts.Files, stdin, "replay", "replay reads events")
	if err != nil {
		return failed(err, msg)
	}
	pipes := make(chan os.Signal, 1) // where it is awaited, a write says that nobody reads
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	to, isFile := stdout.(*os.File)
	var format *text.Formatter
	if isFile || opts.lines.Format == formatText {
		format = opts.lines.formatter(to)
	}
	if opts.packets.ShowSecrets {
		msg.Infof(secretsShown)
	}
	r := replay.New(stdout, opts.lines.Events, format)
	r.ShowSecrets = opts.packets.ShowSecrets
	opts.packets.Out, opts.packets.Msg, opts.packets.Events, opts.packets.Format = stdout, msg, opts.lines.Events, format
	p := replay.NewPackets(opts.packets)
	r.Packets = p.Read
	if err := p.ReadKeyLogs(); err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	quiet := opts.Quiet || terminal.Is(to) // what it prints there says how far it is
	if err = readAll(r, files, stdin, quiet, p.Finish); err == nil {
		err = r.Flush()
	}
	saySkipped(r.Skipped, msg)
	_, unwritten := errors.AsType[*replay.WriteError](err)
	switch {
	case unwritten && errors.Is(err, syscall.EPIPE):
		return exitOK
	case err != nil:
		msg.Errorf("%v", err)
		return exitRuntime
	case r.Events == 0 && !p.Used:
		msg.Errorf("%s and then h2trace replay FILE", noEvents)
		return exitRuntime
	case r.Exchanges > 0 && r.Selected == 0 && opts.lines.match.Set():
		msg.Infof("none of %s was selected", message.Count(uint64(r.Exchanges), "exchange", "exchanges"))
	}
	return exitOK
}
