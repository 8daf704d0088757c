package otlp

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// Spans wait to be sent, so many and of so many bytes. Most have some 600; those with long
	// texts and many stalls reach the second limit first.
	maxWaiting      = 4096
	maxWaitingBytes = 8 << 20
	maxBatch        = 512
	maxBatchBytes   = 2 << 20
	// batchDelay is how long a span waits for others.
	batchDelay = time.Second
)

// sender sends spans, in batches.
type sender struct {
	client *client
	said   *complaints
	counts counts
	queue  chan waiting
	bytes  atomic.Int64  // that wait, or are in the batch
	hurry  chan struct{} // closed at the end
	done   chan struct{}
	batch  *batch
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
func newSender(ctx context.Context, c *client, version string, said *complaints) *sender {
	s := &sender{
		client: c, said: said,
		queue: make(chan waiting, maxWaiting),
		hurry: make(chan struct{}),
		done:  make(chan struct{}),
		batch: newBatch(version),
	}
	go s.run(ctx)
	return s
}

// add takes a span. It does not wait.
func (s *sender) add(w waiting) {
	n := int64(len(w.span))
	if s.bytes.Add(n) <= maxWaitingBytes {
		select {
		case s.queue <- w:
			return
		default:
		}
	}
	s.bytes.Add(-n)
	s.counts.dropped.Add(1)
	s.said.full()
}

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
	for open := true; open; {
		open = s.collect()
		n := uint64(len(s.batch.spans))
		switch {
		case n == 0:
		case ctx.Err() != nil: // the rest
			s.counts.dropped.Add(n)
		default:
			a, err := s.client.deliver(ctx, s.hurry, s.batch.message(), s.said.trying)
			s.counts.take(n, a, err)
			s.said.outcome(ctx, a, err)
		}
		s.bytes.Add(-int64(s.batch.bytes))
		s.batch.clear()
	}
}

// collect takes the spans of the next batch: a full one, or what has come a while after its first.
func (s *sender) collect() (open bool) {
	first, open := <-s.queue
	if !open {
		return false
	}
	s.batch.add(first)
	timer := time.NewTimer(batchDelay)
	defer timer.Stop()
	for len(s.batch.spans) < maxBatch && s.batch.bytes < maxBatchBytes {
		select {
		case w, open := <-s.queue:
			if !open {
				return false
			}
			s.batch.add(w)
		case <-timer.C:
			return true
		}
	}
	return true
}
