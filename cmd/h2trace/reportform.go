package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export/report"
)

// The flags of report that choose what it prints, and those that choose how. Of each, one at
// most can be given.
var (
	contentFlags = []string{"suggest", "assert", "group-by", "diff", "bench", "prometheus"}
	formatFlags  = []string{"json", "markdown"}
)

// formatted are the contents that have formats.
var formatted = []string{"group-by", "diff"}

// bindForms binds the flags that are not those of a plain report.
func (r *reportOptions) bindForms(fs *pflag.FlagSet) {
	fs.Var((*assertionList)(&r.Assert), "assert", "")
	fs.Var((*grouping)(&r.GroupBy), "group-by", "")
	fs.BoolVar(&r.Diff, "diff", false, "")
	fs.BoolVar(&r.Bench, "bench", false, "")
	fs.BoolVar(&r.Prometheus, "prometheus", false, "")
	fs.BoolVar(&r.Anonymize, "anonymize", false, "")
	fs.StringVar(&r.HTML, "html", "", "")
}

// chooseForm returns an error if the flags do not fit together.
func (r *reportOptions) chooseForm(fs *pflag.FlagSet) error {
	given := func(flags []string) (list []string) {
		for _, name := range flags {
			if fs.Changed(name) {
				list = append(list, name)
			}
		}
		return list
	}
	contents, formats := given(contentFlags), given(formatFlags)
	clash := contents
	if len(formats) > 1 {
		clash = formats
	}
	if len(clash) < 2 && len(contents) > 0 && len(formats) > 0 && !slices.Contains(formatted, contents[0]) {
		clash = []string{contents[0], formats[0]}
	}
	if len(clash) > 1 {
		return usagef("--%s and --%s exclude each other", clash[0], clash[1])
	}
	if r.Anonymize && r.ShowSecrets {
		return usagef("--show-secrets shows what --anonymize hides: they exclude each other")
	}
	if r.Anonymize && r.Suggest {
		return usagef("--suggest names proxies, which --anonymize hides: they exclude each other")
	}
	if err := r.choosePage(fs, append(contents, formats...)); err != nil {
		return err
	}
	if r.Diff && (len(r.Files) != 2 || r.Files[0] == "-" && r.Files[1] == "-") {
		return usagef("--diff takes two files or directories, BEFORE and AFTER, not %d", len(r.Files))
	}
	return nil
}

// assertionList collects the --assert flags. It is a pflag.Value.
type assertionList []report.Assertion

// Set adds an assertion.
func (l *assertionList) Set(s string) error {
	a, err := report.ParseAssertion(s)
	if err == nil {
		*l = append(*l, a)
	}
	return err
}

// String is part of pflag.Value.
func (l *assertionList) String() string { return "" }

// Type is part of pflag.Value.
func (l *assertionList) Type() string { return "EXPR" }

// printAssertions prints each assertion with its value. If one does not hold, the verdict
// follows on stderr.
func printAssertions(list []report.Assertion, b *report.Builder, r *report.Report, msg *message.Printer, stdout io.Writer) int {
	var text strings.Builder
	failed := false
	for _, a := range list {
		o := b.Check(a)
		word := "ok  "
		if !o.Holds {
			word, failed = "FAIL", true
		}
		fmt.Fprintf(&text, "%s  %s: %s\n", word, o.Assertion, o.Value)
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil && !errors.Is(err, syscall.EPIPE) {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	if !failed {
		return exitOK
	}
	if r.Runs == 0 {
		msg.Infof("%s", noEvents)
		return exitAssert
	}
	for _, line := range r.Glance() {
		msg.Infof("%s", line)
	}
	return exitAssert
}

// grouping is the key of --group-by. It is a pflag.Value.
type grouping string

// Set is part of pflag.Value.
func (g *grouping) Set(s string) error {
	if !labelKey.MatchString(s) {
		return fmt.Errorf("it takes %s, or the KEY of a label", strings.Join(report.Groupings, ", "))
	}
	*g = grouping(s)
	return nil
}

// String is part of pflag.Value.
func (g *grouping) String() string { return string(*g) }

// Type is part of pflag.Value.
func (g *grouping) Type() string { return "KEY" }

// formats are the forms in which tables can be written.
type formats interface {
	WriteText(w io.Writer) error
	WriteMarkdown(w io.Writer) error
	WriteJSON(w io.Writer) error
}

func writeFormatted(opts reportOptions, what formats, stdout io.Writer) error {
	switch {
	case opts.JSON:
		return what.WriteJSON(stdout)
	case opts.Markdown:
		return what.WriteMarkdown(stdout)
	}
	return what.WriteText(stdout)
}
