package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export/report"
)

// reportOptions is what the command line of "h2trace report" asks for.
type reportOptions struct {
	Files                   []string // none, or "-": stdin
	JSON, Markdown, Suggest bool
	Assert                  []report.Assertion
	GroupBy                 string
	Diff, Bench, Prometheus bool
	Anonymize               bool
	HTML                    string // file of the page, "" for none
	form                    bool   // another form was asked for
	ShowSecrets             bool
	Quiet                   bool // no progress
}

// parseReport reads what follows "report". Of the flags before it only -q has a
// meaning.
func parseReport(before *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	fs, version, err := subcommandFlags(before, "report", opts)
	if err != nil {
		return *opts, 0, err
	}
	r := &opts.Report
	r.bind(fs)
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "report")
	}
	if *version {
		return *opts, actionVersion, nil
	}
	r.Files, r.Quiet = fs.Args(), opts.Quiet
	return *opts, actionReport, r.chooseForm(fs)
}

// bind binds the flags.
func (r *reportOptions) bind(fs *pflag.FlagSet) {
	fs.BoolVar(&r.JSON, "json", false, "")
	fs.BoolVar(&r.Markdown, "markdown", false, "")
	fs.BoolVar(&r.Suggest, "suggest", false, "")
	fs.BoolVar(&r.ShowSecrets, "show-secrets", false, "")
	r.bindForms(fs)
}

// reportMemory is where the garbage collector works harder, so that a report takes less than 64 MB.
const reportMemory = 48 << 20

// runReport sums up recorded events, and logs of "go -x".
func runReport(opts reportOptions, msg *message.Printer, stdin *os.File, stdout io.Writer) int {
	debug.SetMemoryLimit(reportMemory)
	if opts.ShowSecrets {
		msg.Infof(secretsShown)
	}
	if opts.Diff {
		return runDiff(opts, msg, stdin, stdout)
	}
	files, err := inputFiles(opts.Files, stdin, "report", "report reads events, or what go prints with -x,")
	if err != nil {
		return failed(err, msg)
	}
	if err := canWritePage(opts.HTML); err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	b := report.NewBuilder()
	if opts.HTML != "" {
		b.HTML()
	}
	opts.prepare(b)
	if opts.GroupBy != "" {
		b.GroupBy(opts.GroupBy)
	}
	if opts.Prometheus {
		b.Prometheus()
	}
	var benchFailed func() error
	if opts.Bench {
		benchFailed = b.Bench(stdout)
	}
	if err := readAll(b, files, stdin, opts.Quiet, read); err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	r := b.Report()
	sayWhatIsMissing(r, msg)
	if opts.HTML != "" && r.Runs > 0 {
		if err := writePage(opts, b, r, msg, stdout); err != nil {
			msg.Errorf("%v", err)
			return exitRuntime
		}
	}
	if len(opts.Assert) > 0 {
		return printAssertions(opts.Assert, b, r, msg, stdout)
	}
	if r.Runs == 0 && !opts.Suggest {
		msg.Errorf("%s and then h2trace report FILE, or keep what go prints with -x", noEvents)
		if opts.JSON && opts.GroupBy == "" {
			_ = writeReport(opts, b, r, msg, stdout) // the exit status is that of a failure already
		}
		return exitRuntime
	}
	switch {
	case opts.Bench:
		err = benchFailed()
	case opts.pageAlone():
		for _, line := range r.Glance() {
			msg.Infof("%s", line)
		}
	default:
		err = writeReport(opts, b, r, msg, stdout)
	}
	if err != nil {
		if errors.Is(err, syscall.EPIPE) {
			return exitOK
		}
		msg.Errorf("%v", err)
		return exitRuntime
	}
	return exitOK
}

// prepare has a Builder hide and show what is asked for.
func (r *reportOptions) prepare(b *report.Builder) {
	if r.Anonymize {
		b.Anonymize()
	}
	if r.ShowSecrets {
		b.ShowSecrets()
	}
}

// sayWhatIsMissing says what of the recording was not read, and what was lost when it was made.
func sayWhatIsMissing(r *report.Report, msg *message.Printer) {
	saySkipped(r.SkippedLines, msg)
	if r.Lost > 0 {
		msg.Infof("%s lost in the recording: what is reported may be too little", message.Count(uint64(r.Lost), "record was", "records were"))
	}
}

func writeReport(opts reportOptions, b *report.Builder, r *report.Report, msg *message.Printer, stdout io.Writer) error {
	switch {
	case opts.Suggest:
		s, err := b.Suggest()
		for _, reason := range s.Reasons {
			msg.Infof("%s", reason)
		}
		if errors.Is(err, report.ErrNoProxy) {
			return fmt.Errorf("%w; record some with h2trace -o FILE go mod download", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, s.Command)
		return err
	case opts.Prometheus:
		return b.WritePrometheus(stdout)
	case opts.GroupBy != "":
		g, err := b.Groups()
		if err != nil {
			return err
		}
		if g.LeftOut > 0 {
			msg.Infof("%s in no group: there are too many groups", message.Count(uint64(g.LeftOut), "request or run is", "requests or runs are"))
		}
		return writeFormatted(opts, g, stdout)
	case opts.JSON:
		return json.NewEncoder(stdout).Encode(r)
	case opts.Markdown:
		return r.WriteMarkdown(stdout)
	}
	return r.WriteText(stdout)
}
