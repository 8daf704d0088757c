//go:build linux

package main

import (
	"bytes"
	"io"
	"sync"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/export"
	"h2trace/export/report"
)

// overview sums up the events of an observation: as the report of -c, and in a few lines on
// stderr when COMMAND has ended. A nil overview does neither.
//
// It sums up in a goroutine of its own: who gives it lines decodes what the kernel buffers,
// and that must not wait.
type overview struct {
	builder *report.Builder
	printed bool // as a report
	said    bool // on stderr

	chunk []byte      // of lines
	queue chan []byte // of chunks
	free  chan []byte // chunks to use again
	done  chan struct{}
	once  sync.Once
	// left says that lines came faster than they could be summed up. Those of a report wait
	// instead.
	left bool
}

// What waits to be summed up is 4 MiB at most.
const (
	chunkSize = 64 << 10
	maxChunks = 64
)

// add takes a line.
func (v *overview) add(line []byte) {
	if v.chunk == nil {
		select {
		case v.chunk = <-v.free:
		default:
			v.chunk = make([]byte, 0, chunkSize+chunkSize/8)
		}
	}
	v.chunk = append(append(v.chunk, line...), '\n')
	if len(v.chunk) < chunkSize {
		return
	}
	if v.printed {
		v.queue <- v.chunk
		v.chunk = nil
		return
	}
	select {
	case v.queue <- v.chunk:
		v.chunk = nil
	default:
		v.left, v.chunk = true, v.chunk[:0]
	}
}

// sumUp sums up chunks until there are no more.
func (v *overview) sumUp() {
	defer close(v.done)
	for chunk := range v.queue {
		for line := range bytes.SplitSeq(chunk, []byte{'\n'}) {
			if len(line) > 0 {
				v.builder.Add(line)
			}
		}
		select {
		case v.free <- chunk[:0]:
		default:
		}
	}
}

// report returns the sum of all lines. No line may be added after that.
func (v *overview) report() *report.Report {
	v.once.Do(func() {
		v.queue <- v.chunk
		close(v.queue)
	})
	<-v.done
	return v.builder.Report()
}

// newOverview has the tracer give its events to an overview, whatever -e says and whether or
// not the events have a reader. It returns nil if the user wants none.
func newOverview(opts *Options) *overview {
	v := &overview{
		builder: report.NewBuilder(),
		queue:   make(chan []byte, maxChunks),
		free:    make(chan []byte, 4),
		done:    make(chan struct{}),
		printed: opts.Sum,
		said:    len(opts.Command) > 0 && !opts.Quiet && (!opts.Sum || !output.IsStdout(opts.Output)),
	}
	if !v.printed && !v.said {
		return nil
	}
	go v.sumUp()
	opts.Listener.Line = v.add
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
	r := v.report()
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
	r := v.report()
	switch {
	case v.left:
		msg.Infof("there is no verdict, as the events came too fast: h2trace report says it of a file")
		return
	case r.Runs == 0 || !v.builder.Observed():
		return
	}
	for _, line := range r.Glance() {
		msg.Infof("%s", line)
	}
}
