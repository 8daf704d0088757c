package otlp

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
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
	// Say prints a message.
	Say func(format string, args ...any)
	// Getenv returns a variable of the environment, such as os.Getenv.
	Getenv func(string) string
}

// Counts are what became of the spans, or of the data points.
type Counts struct{ Sent, Rejected, Dropped uint64 }

// Totals counts what an Exporter was to send. Unsampled spans were not.
type Totals struct {
	Spans, Points Counts
	Unsampled     uint64
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
	cancel    context.CancelFunc
	said      *complaints
	inherited *resource.Resource // from OTEL_RESOURCE_ATTRIBUTES
	unsampled atomic.Uint64

	event     scan.Object
	times     scan.Times
	at        time.Time // of the event
	processes *simplelru.LRU[int, *process]
	conns     *simplelru.LRU[string, *conn]
	names     *simplelru.LRU[lookupKey, lookups]
	run       trace.Span // nil before it has a child
	first     time.Time  // of the first event
}

// New starts an Exporter. Its errors are those of settings in the environment.
func New(o Options) (*Exporter, error) {
	x := &Exporter{opts: o, said: newComplaints(&o)}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { x.said.once(err.Error(), "%v", err) }))
	c, err := newClient(&o, "TRACES", tracesPath)
	if err != nil {
		return nil, err
	}
	x.inherited = resource.Environment()
	x.processes, _ = simplelru.NewLRU[int, *process](maxProcesses, nil)
	x.conns, _ = simplelru.NewLRU[string, *conn](maxConns, nil)
	x.names, _ = simplelru.NewLRU[lookupKey, lookups](maxProcesses, nil)
	ctx, cancel := context.WithCancel(context.Background())
	x.cancel = cancel
	if x.sender, err = newSender(ctx, c, x.said); err != nil {
		cancel()
		return nil, err
	}
	return x, nil
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
	if x.run != nil {
		x.run.End(trace.WithTimestamp(x.at))
	}
	timer := time.AfterFunc(limit, func() {
		x.said.once("late", "%s did not take all spans within %v after the end; the others are dropped, and counted in the summary", x.said.endpoint, limit)
		x.cancel()
	})
	x.sender.close()
	timer.Stop()
	x.cancel()
	return Totals{Spans: x.sender.counts.totals(), Unsampled: x.unsampled.Load()}
}
