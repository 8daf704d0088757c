//go:build linux

package main

import (
	"io"

	"h2trace/cmd/h2trace/internal/linequeue"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/export"
	"h2trace/export/report"
)

// overview sums up the events of an observation: as the report of -c, and in a few lines on
// stderr when COMMAND has ended. A nil overview does neither.
//
// It sums up in a goroutine of its own. Those lines that come faster than they can be summed up
// are dropped, but those of a report wait instead.
type overview struct {
	builder *report.Builder
	lines   *linequeue.Queue
	printed bool // as a report
	said    bool // on stderr
}

// maxChunks bounds what waits to be summed up: 4 MiB.
const maxChunks = 64

// report returns the sum of all lines, and whether some are left out of it. No line may be added
// after that.
func (v *overview) report() (r *report.Report, left bool) {
	left = v.lines.Close()
	return v.builder.Report(), left
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
	add := v.builder.Add
	if opts.ShowSecrets {
		add = v.builder.AddShown
	}
	v.lines = linequeue.New(add, linequeue.Options{Chunks: maxChunks, Drop: !v.printed})
	listener := export.Listener{Line: v.lines.Add}
	if v.printed {
		opts.Events = export.Nothing()
	} else {
		// Frames say no more about the time than exchanges.
		var err error
		if listener.Events, err = export.ParseEvents("process,conn,exchange,stall"); err != nil {
			panic(err)
		}
	}
	opts.Listeners = append(opts.Listeners, listener)
	return v
}

// print writes the report of -c.
func (v *overview) print(w io.Writer) error {
	if v == nil || !v.printed {
		return nil
	}
	r, _ := v.report()
	if r.Runs == 0 {
		return nil // what went wrong is said
	}
	return r.WriteText(w)
}

// say prints the overview, unless it was said that nothing was observed.
func (v *overview) say(msg *message.Printer) {
	if v == nil || !v.said {
		return
	}
	r, left := v.report()
	switch {
	case left:
		msg.Infof("there is no verdict, as the events came too fast: h2trace report says it of a file")
		return
	case r.Runs == 0 || !v.builder.Observed():
		return
	}
	for _, line := range r.Glance() {
		msg.Infof("%s", line)
	}
}
