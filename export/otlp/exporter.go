package otlp

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"h2trace/export/scan"
)

// Options says where spans go, and what they say of their origin.
type Options struct {
	Endpoint Endpoint
	Version  string // of h2trace
	Host     string // name of this host; "" is unknown
	// Command is the name of the program that the observation is of. It is a span of its own, to
	// which all client spans without another parent belong. "" is for processes that run anyway.
	Command string
	// Metrics are sent from time to time, and at the end. nil is for none.
	Metrics prometheus.Gatherer
	// Say prints a message.
	Say func(format string, args ...any)
	// Getenv returns a variable of the environment, such as os.Getenv.
	Getenv func(string) string
}

// Counts are what became of the spans, or of the data points.
type Counts struct{ Sent, Rejected, Dropped uint64 }

// Totals counts what an Exporter was to send. Unsampled spans were not. DroppedStalls are in no
// span, for want of room.
type Totals struct {
	Spans, Points            Counts
	Unsampled, DroppedStalls uint64
}

// What an Exporter keeps at most. Of what was used longest ago, it forgets the names.
const (
	maxProcesses = 4 << 10
	maxConns     = 16 << 10
)

// Exporter makes spans of events, and sends them.
type Exporter struct {
	opts      Options
	sender    *sender
	meter     *meter // nil for none
	cancel    context.CancelFunc
	said      *complaints
	inherited *resource.Resource // from OTEL_RESOURCE_ATTRIBUTES
	unsampled atomic.Uint64

	event     scan.Object
	span      span
	chunk     []byte // of spans that wait, and room
	origins   map[string]origin
	sampler   sdktrace.Sampler
	times     scan.Times // of events
	starts    scan.Times // of exchanges: often in the second before
	at        time.Time  // of the event
	processes *simplelru.LRU[int, *process]
	conns     *simplelru.LRU[string, *conn]
	stalls    stalls
	names     *simplelru.LRU[lookupKey, lookups]
	run       trace.SpanContext // not valid before it has a child
	first     time.Time         // of the first event
}

// scope names who makes spans and metrics.
const scope = "h2trace"

// New starts an Exporter. Its errors are those of settings in the environment.
func New(o Options) (*Exporter, error) {
	x := &Exporter{opts: o, said: &complaints{newSaying(&o), "spans"}, inherited: resource.Environment(), origins: make(map[string]origin)}
	x.span.limits = newLimits()
	var err error
	if x.sampler, err = newSampler(o.Getenv); err != nil {
		x.said.once(err.Error(), "%v", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { x.said.once(err.Error(), "%v", err) }))
	x.processes, _ = simplelru.NewLRU[int, *process](maxProcesses, nil)
	x.conns, _ = simplelru.NewLRU(maxConns, x.stalls.evicted)
	x.names, _ = simplelru.NewLRU[lookupKey, lookups](maxProcesses, nil)
	ctx, cancel := context.WithCancel(context.Background())
	x.cancel = cancel
	if err := x.start(ctx); err != nil {
		cancel()
		return nil, err
	}
	return x, nil
}

// start starts what sends.
func (x *Exporter) start(ctx context.Context) error {
	traces, err := newClient(&x.opts, "TRACES", tracesPath)
	if err != nil {
		return err
	}
	meters, err := newClient(&x.opts, "METRICS", metricsPath)
	if err != nil {
		return err
	}
	if x.opts.Metrics != nil && x.opts.Getenv("OTEL_METRICS_EXPORTER") != "none" {
		x.meter, err = newMeter(ctx, &x.opts, meters, x.inherited, &complaints{x.said.saying, "metrics"})
		if err != nil {
			return err
		}
	}
	x.sender = newSender(ctx, traces, x.opts.Version, x.said)
	return nil
}

// Line takes the line of an event, in order. It ignores what is none. It does not keep line, and
// does not wait for the collector.
func (x *Exporter) Line(line []byte) {
	e := &x.event
	if !e.Parse(line) {
		return
	}
	ns, ok := x.times.Parse(e.Get("ts"))
	if !ok {
		return
	}
	if x.at = time.Unix(0, ns); x.first.IsZero() {
		x.first = x.at
	}
	switch string(e.Word("event")) {
	case "exchange":
		x.exchange()
	case "stall":
		x.stall()
	case "conn":
		x.connection()
	case "process":
		x.process()
	}
}

// Missed counts the spans of a line that Line does not get, as there was no room for it. It is safe
// for concurrent use.
func (x *Exporter) Missed(line []byte) {
	if n := spansOf(line); n > 0 {
		x.sender.counts.dropped.Add(n)
		x.said.full()
	}
}

// Close sends what is left, for as long as the limit, and returns the totals. No Line may follow.
func (x *Exporter) Close(limit time.Duration) Totals {
	x.endRun()
	timer := time.AfterFunc(limit, func() {
		x.said.once("late", "%s did not take everything within %v after the end; the rest is dropped, and counted in the summary", x.said.endpoint, limit)
		x.cancel()
	})
	if x.meter != nil {
		go x.meter.close()
	}
	x.sender.close()
	t := Totals{Spans: x.sender.counts.totals(), Unsampled: x.unsampled.Load(), DroppedStalls: x.stalls.dropped}
	if x.meter != nil {
		<-x.meter.done
		t.Points = x.meter.counts.totals()
	}
	timer.Stop()
	x.cancel()
	return t
}
