package otlp

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// pace says how often a batch is tried.
type pace struct {
	first, longest time.Duration // waits; each is up to twice the one before
	elapsed        time.Duration // how long it is tried
}

var usualPace = pace{first: 500 * time.Millisecond, longest: 15 * time.Second, elapsed: maxElapsed}

// maxElapsed is how long a batch is tried, and thus more than the longest wait.
const maxElapsed = time.Minute

// lastTries is how long a batch is still tried after the end. One that only waits for its answer may
// wait longer.
const lastTries = 2 * time.Second

// deliver sends a batch until it arrives, or cannot, or ctx is done. When hurry is closed, the
// current wait ends at once. It calls failed with each failure that is not the last one.
func (c *client) deliver(ctx context.Context, hurry <-chan struct{}, batch []byte, failed func(error)) (answer, error) {
	wait, until := c.pace.first, time.Now().Add(c.pace.elapsed)
	for {
		a, f := c.post(ctx, batch)
		switch {
		case f == nil:
			return a, nil
		case !f.again || ctx.Err() != nil:
			return a, f
		}
		pause := max(f.wait, wait/2+rand.N(wait))
		if time.Now().Add(pause).After(until) {
			return a, f
		}
		failed(f)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-hurry:
			hurry = nil
			until = time.Now().Add(min(lastTries, time.Until(until)))
		case <-ctx.Done():
			timer.Stop()
			return a, f
		}
		timer.Stop()
		wait = min(2*wait, c.pace.longest)
	}
}

// retryAfter returns the time that a Retry-After asks for (RFC 9110 §10.2.3), or 0.
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(s, 0), int(maxElapsed/time.Second)+1)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxElapsed+time.Second)
	}
	return 0
}

// cause returns why a request failed, in short and without the URL, whose credentials are no
// business of a log.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return errors.New("it does not answer in time")
		}
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if sys, ok := errors.AsType[*os.SyscallError](op.Err); ok {
			return sys.Err
		}
		return op.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it closed the connection")
	}
	return err
}
