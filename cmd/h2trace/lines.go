package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/terminal"
	"h2trace/export"
	"h2trace/export/text"
)

// lineOptions says which events are printed, and how.
type lineOptions struct {
	Events  export.Filter // -e, --host, --path, --status, --min-ms
	Format  format        // -f
	Verbose bool          // -v

	match  export.Match
	status string
}

// format is the value of -f. It is a pflag.Value.
type format string

// The formats. Of none, a terminal gets text, and all else JSON.
const (
	formatJSON format = "json"
	formatText format = "text"
)

// Set is part of pflag.Value.
func (f *format) Set(s string) error {
	*f = format(s)
	if *f != formatJSON && *f != formatText {
		return fmt.Errorf("the formats are %s, %s", formatJSON, formatText)
	}
	return nil
}

// String is part of pflag.Value.
func (f *format) String() string { return string(*f) }

// Type is part of pflag.Value.
func (f *format) Type() string { return "FORMAT" }

// bind binds the flags.
func (o *lineOptions) bind(fs *pflag.FlagSet) {
	fs.VarP(&eventList{filter: &o.Events}, "events", "e", "")
	fs.VarP(&o.Format, "format", "f", "")
	fs.BoolVarP(&o.Verbose, "verbose", "v", false, "")
	fs.StringVar(&o.match.Host, "host", "", "")
	fs.StringVar(&o.match.Path, "path", "", "")
	fs.StringVar(&o.status, "status", "", "")
	fs.Var((*millis)(&o.match.Least), "min-ms", "")
}

// conditions are the flags that select exchanges.
var conditions = [...]string{"host", "path", "status", "min-ms"}

// settle makes the filter of the flags. Without -e, what selects exchanges shows only them.
func (o *lineOptions) settle(fs *pflag.FlagSet) (err error) {
	if fs.Changed("status") {
		if o.match.Status, err = export.ParseStatuses(o.status); err != nil {
			return usagef("--status: %w", err)
		}
	}
	for _, name := range conditions {
		if fs.Changed(name) && fs.Lookup(name).Value.String() == "" {
			return usagef("--%s has no value", name)
		}
	}
	if o.selects(fs) && !fs.Changed("events") {
		if o.Events, err = export.ParseEvents(export.KindExchange.String()); err != nil {
			return err
		}
	}
	if o.Verbose && o.Format == formatJSON {
		return usagef("-v is for text: JSON has all headers")
	}
	o.Events.Exchanges = o.match
	return nil
}

// selects reports whether a flag selects exchanges.
func (o *lineOptions) selects(fs *pflag.FlagSet) bool {
	return slices.ContainsFunc(conditions[:], fs.Changed)
}

// millis is a time in milliseconds. It is a pflag.Value.
type millis time.Duration

// Set is part of pflag.Value.
func (m *millis) Set(s string) error {
	const most = 1e9 // of which a Duration holds more
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n <= most) {
		return errors.New("it is a number of milliseconds, such as 250")
	}
	*m = millis(n * float64(time.Millisecond))
	return nil
}

// String is part of pflag.Value.
func (m *millis) String() string { return time.Duration(*m).String() }

// Type is part of pflag.Value.
func (m *millis) Type() string { return "N" }

// formatter returns what formats events for a file, nil for JSON.
func (o *lineOptions) formatter(to *os.File) *text.Formatter {
	if o.Format == formatJSON || o.Format == "" && !terminal.Is(to) {
		return nil
	}
	lines := text.Options{Verbose: o.Verbose}
	if width := terminal.NewWidth(to); width != nil {
		lines.Columns = width.Columns
		lines.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" // no-color.org
	}
	return text.New(lines)
}
