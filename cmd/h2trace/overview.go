//go:build linux

package main

import (
	"io"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/export"
	"h2trace/export/report"
)

// overview sums up the events of an observation: as the report of -c, and in a few lines on
// stderr when COMMAND has ended. A nil overview does neither.
type overview struct {
	builder *report.Builder
	printed bool // as a report
	said    bool // on stderr
}

// newOverview has the tracer give its events to an overview, whatever -e says and whether or
// not the events have a reader. It returns nil if the user wants none.
func newOverview(opts *Options) *overview {
	v := &overview{
		builder: report.NewBuilder(),
		printed: opts.Sum,
		said:    len(opts.Command) > 0 && !opts.Quiet && (!opts.Sum || !output.IsStdout(opts.Output)),
	}
	if !v.printed && !v.said {
		return nil
	}
	opts.Listener.Line = v.builder.Add
	if v.printed {
		opts.Events = export.Nothing()
		return v
	}
	// Frames say no more about the time than exchanges.
	var err error
	if opts.Listener.Events, err = export.ParseEvents("process,conn,exchange,stall"); err != nil {
		panic(err)
	}
	return v
}

// print writes the report of -c.
func (v *overview) print(w io.Writer) error {
	if v == nil || !v.printed {
		return nil
	}
	r := v.builder.Report()
	if r.Runs == 0 {
		return nil // what went wrong is said
	}
	return r.WriteText(w)
}

// say prints the overview, unless it was said that nothing was observed.
func (v *overview) say(msg *message.Printer) {
	if v == nil || !v.said || !v.builder.Observed() {
		return
	}
	r := v.builder.Report()
	if r.Runs == 0 {
		return
	}
	for _, line := range r.Glance() {
		msg.Infof("%s", line)
	}
}
