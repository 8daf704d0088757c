package otlp

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	maxWaiting = 4096 // spans that wait to be sent
	maxBatch   = 512
	// batchDelay is how long a span waits for others.
	batchDelay = time.Second
)

// sender sends the spans that end, in batches. As a SpanProcessor it replaces the one of the SDK,
// which does not count what it drops.
type sender struct {
	client   *client
	exporter *otlptrace.Exporter
	said     *complaints
	counts   counts
	queue    chan sdktrace.ReadOnlySpan
	hurry    chan struct{} // closed at the end
	done     chan struct{}
}

// counts are of spans, or of data points.
type counts struct{ sent, rejected, dropped atomic.Uint64 }

// take counts a batch that was delivered, or was not.
func (c *counts) take(n uint64, a answer, err error) {
	if err != nil {
		c.dropped.Add(n)
		return
	}
	rejected := min(uint64(max(a.rejected, 0)), n)
	c.sent.Add(n - rejected)
	c.rejected.Add(rejected)
}

func (c *counts) totals() Counts {
	return Counts{Sent: c.sent.Load(), Rejected: c.rejected.Load(), Dropped: c.dropped.Load()}
}

// newSender starts a sender, which sends until ctx is done.
func newSender(ctx context.Context, c *client, said *complaints) (*sender, error) {
	s := &sender{
		client: c, said: said,
		queue: make(chan sdktrace.ReadOnlySpan, maxWaiting),
		hurry: make(chan struct{}),
		done:  make(chan struct{}),
	}
	var err error
	if s.exporter, err = otlptrace.New(ctx, (*upload)(s)); err != nil {
		return nil, err
	}
	go s.run(ctx)
	return s, nil
}

// OnStart implements sdktrace.SpanProcessor.
func (s *sender) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor. It does not wait.
func (s *sender) OnEnd(span sdktrace.ReadOnlySpan) {
	select {
	case s.queue <- span:
	default:
		s.counts.dropped.Add(1)
		s.said.full()
	}
}

// Shutdown implements sdktrace.SpanProcessor. The sender outlives the provider of a process.
func (s *sender) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (s *sender) ForceFlush(context.Context) error { return nil }

// close returns when all spans are sent, or when the context of the sender is done. No span may
// follow.
func (s *sender) close() {
	close(s.hurry)
	close(s.queue)
	<-s.done
}

// run sends batches.
func (s *sender) run(ctx context.Context) {
	defer close(s.done)
	defer s.client.http.CloseIdleConnections()
	var batch []sdktrace.ReadOnlySpan
	for open := true; open; {
		if batch, open = s.collect(batch[:0]); len(batch) == 0 {
			continue
		}
		if ctx.Err() != nil { // the rest
			s.counts.dropped.Add(uint64(len(batch)))
			continue
		}
		// It calls UploadTraces, which counts.
		_ = s.exporter.ExportSpans(ctx, batch)
		clear(batch)
	}
}

// collect returns the next batch: a full one, or what has come a while after its first span.
func (s *sender) collect(batch []sdktrace.ReadOnlySpan) (_ []sdktrace.ReadOnlySpan, open bool) {
	first, open := <-s.queue
	if !open {
		return batch, false
	}
	batch = append(batch, first)
	timer := time.NewTimer(batchDelay)
	defer timer.Stop()
	for len(batch) < maxBatch {
		select {
		case span, open := <-s.queue:
			if !open {
				return batch, false
			}
			batch = append(batch, span)
		case <-timer.C:
			return batch, true
		}
	}
	return batch, true
}

// upload is a sender as the client of an otlptrace.Exporter.
type upload sender

// Start implements otlptrace.Client.
func (*upload) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (*upload) Stop(context.Context) error { return nil }

// UploadTraces implements otlptrace.Client.
func (u *upload) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	s := (*sender)(u)
	var n uint64
	for _, of := range spans {
		for _, scope := range of.ScopeSpans {
			n += uint64(len(scope.Spans))
		}
	}
	// ExportTraceServiceRequest has the same form (opentelemetry/proto/trace/v1/trace.proto), and
	// its package links gRPC.
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	var a answer
	if err == nil {
		a, err = s.client.deliver(ctx, s.hurry, b, s.said.trying)
	}
	s.counts.take(n, a, err)
	s.said.outcome(ctx, a, err)
	return err
}
