//go:build linux

package main

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/linequeue"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export"
	"h2trace/export/otlp"
)

// otlpFlag is the value of --otlp.
type otlpFlag struct {
	url      string // as typed: it can have credentials
	wanted   bool
	endpoint otlp.Endpoint
}

// checkOTLP parses the URL. It returns an error if that is none, or if the collector is no place for
// the events. Neither shows the URL, as those of pflag do.
func checkOTLP(fs *pflag.FlagSet, opts *Options) (err error) {
	f := &opts.OTLP
	if f.wanted = fs.Changed("otlp"); !f.wanted {
		return nil
	}
	if opts.ShowSecrets {
		return usagef("--otlp sends no secrets to a collector: leave --show-secrets out")
	}
	if f.endpoint, err = otlp.ParseEndpoint(f.url); err != nil {
		return usagef("--otlp: %w", err)
	}
	return nil
}

// otlpRun sends what is observed to a collector. A nil otlpRun sends nothing.
type otlpRun struct {
	exporter *otlp.Exporter
	lines    *linequeue.Queue
	metrics  *metricsRun
	end      sync.Once
	totals   export.OTLP
}

const (
	// otlpChunks bounds what waits to become spans: 4 MiB. What comes faster is dropped, and
	// counted.
	otlpChunks = 64
	otlpDelay  = 100 * time.Millisecond
	// otlpLimit is how long a collector may take at the end.
	otlpLimit = 5 * time.Second
)

// newOTLPRun has the tracer give its events to a collector, whatever -e says. It records metrics, if
// that is not done yet. It returns nil if the user wants none.
func newOTLPRun(opts *Options, m **metricsRun, msg *message.Printer) (*otlpRun, error) {
	if !opts.OTLP.wanted {
		return nil, nil
	}
	if *m == nil {
		*m = recordMetrics(opts)
	}
	o := otlp.Options{
		Metrics:  (*m).recorder,
		Endpoint: opts.OTLP.endpoint, Version: moduleVersion(), Getenv: os.Getenv,
		Say: func(format string, args ...any) { msg.Errorf("--otlp: "+format, args...) },
	}
	o.Host, _ = os.Hostname()
	if len(opts.Command) > 0 {
		o.Command = filepath.Base(opts.Command[0])
	}
	exporter, err := otlp.New(o)
	if err != nil {
		return nil, err
	}
	r := &otlpRun{exporter: exporter, metrics: *m}
	r.lines = linequeue.New(exporter.Line, linequeue.Options{Chunks: otlpChunks, Delay: otlpDelay, Drop: true, Dropped: exporter.Missed})
	kinds, err := export.ParseEvents("process,conn,exchange,stall")
	if err != nil {
		panic(err)
	}
	opts.Listeners = append(opts.Listeners, export.Listener{Events: kinds, Line: r.lines.Add})
	opts.Delivered = r.delivered
	return r, nil
}

// delivered sends what is left, and returns the totals for the summary. Only the lines of events
// that say nothing to a collector may follow.
func (r *otlpRun) delivered() *export.OTLP {
	r.end.Do(func() {
		r.lines.Close()
		r.metrics.lines.Close()
		t := r.exporter.Close(otlpLimit)
		r.totals = export.OTLP{Spans: export.Delivery(t.Spans), Unsampled: t.Unsampled, Points: export.Delivery(t.Points), DroppedStalls: t.DroppedStalls}
	})
	return &r.totals
}

// close ends it, also where there was no summary.
func (r *otlpRun) close() {
	if r != nil {
		r.delivered()
	}
}

// say prints what became of the spans.
func (r *otlpRun) say(msg *message.Printer) {
	if r == nil {
		return
	}
	s := r.totals.Spans
	lost := s.Rejected + s.Dropped
	sent := message.Count(s.Sent, "span", "spans")
	if lost == 0 {
		msg.Infof("sent %s to the collector", sent)
		return
	}
	msg.Errorf("--otlp: sent %s to the collector; it rejected %d, and %d were dropped", sent, s.Rejected, s.Dropped)
}
