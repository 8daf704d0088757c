package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// load describes the load of a client.
type load struct {
	clients          []*http.Client // each with one connection
	turn             atomic.Int64   // counts the requests, which take the clients in turn
	url              string
	workers          int
	rate             int
	warmup, duration time.Duration
}

// result is the output of the client. Requests, bytes and seconds are those of the measured
// time; total_requests includes the warm-up.
type result struct {
	Requests      int64   `json:"requests"`
	Bytes         int64   `json:"bytes"`
	Seconds       float64 `json:"seconds"`
	TotalRequests int64   `json:"total_requests"`
	// Late is how many requests of a fixed rate still waited for a worker at the end. If
	// there are any, the client did not reach the rate.
	Late int `json:"late"`
}

// counters counts the finished requests of the workers.
type counters struct{ requests, bytes atomic.Int64 }

// newClient returns a client that trusts a certificate, or speaks HTTP/2 without TLS if
// there is none.
func newClient(certFile string) (*http.Client, error) {
	protocols := &http.Protocols{}
	if certFile == "" {
		protocols.SetUnencryptedHTTP2(true)
		return &http.Client{Transport: &http.Transport{Protocols: protocols}}, nil
	}
	protocols.SetHTTP2(true)
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cert) {
		return nil, fmt.Errorf("%s: no certificate", certFile)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		Protocols:       protocols,
	}}, nil
}

func (l *load) run(ctx context.Context) (*result, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var count counters
	// The first request of a client opens its connection; all others share it.
	for range l.clients {
		if err := l.get(ctx, &count); err != nil {
			return nil, err
		}
	}
	tickets := l.tickets(ctx)
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range l.workers {
		workers.Go(func() { l.work(ctx, fail, &count, tickets, stop) })
	}
	wait(ctx, l.warmup)
	requests, bytes, start := count.requests.Load(), count.bytes.Load(), time.Now()
	wait(ctx, min(l.duration, time.Minute))
	r := &result{
		Requests: count.requests.Load() - requests,
		Bytes:    count.bytes.Load() - bytes,
		Seconds:  time.Since(start).Seconds(),
		Late:     len(tickets),
	}
	close(stop)
	workers.Wait()
	r.TotalRequests = count.requests.Load()
	return r, context.Cause(ctx)
}

// work makes requests until stop is closed.
func (l *load) work(ctx context.Context, fail context.CancelCauseFunc, count *counters, tickets <-chan struct{}, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tickets:
		}
		if err := l.get(ctx, count); err != nil {
			fail(err)
			return
		}
	}
}

// tickets returns a channel with one element for each request to make. Without a rate it
// is always ready.
func (l *load) tickets(ctx context.Context) <-chan struct{} {
	if l.rate == 0 {
		ready := make(chan struct{})
		close(ready)
		return ready
	}
	due := make(chan struct{}, l.rate) // tickets of one second may wait
	go func() {
		const tick = time.Millisecond
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		start, issued := time.Now(), 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			for want := int(time.Since(start).Seconds() * float64(l.rate)); issued < want; issued++ {
				select {
				case due <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return due
}

func (l *load) get(ctx context.Context, count *counters) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	client := l.clients[int(l.turn.Add(1))%len(l.clients)]
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK {
		return errors.New(resp.Proto + " " + resp.Status)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return err
	}
	count.bytes.Add(n)
	count.requests.Add(1)
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
