package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// verify compares a run without losses with the log and the model: all of it must be
// equal. It returns the connections in the order of the log.
func verify(t testing.TB, r *result, opt oracle.Options) []*oracle.Pair {
	t.Helper()
	pairs, err := compare(r, opt)
	if err != nil {
		t.Fatalf("%v\n%s", err, indent(messagesOf(r.stderr)))
	}
	wantSound(t, r.stream) // their peers keep the rules
	frames := 0
	for _, p := range pairs {
		frames += len(p.Trace.Frames)
		if p.Tail != [2]int{} {
			t.Logf("%s: at the end the log has %d sent frames more, the trace %d received", p.Trace.ID, p.Tail[0], p.Tail[1])
		}
	}
	t.Logf("%d frames on %d connections are equal", frames, len(pairs))
	return pairs
}

func compare(r *result, opt oracle.Options) ([]*oracle.Pair, error) {
	if err := checkSummary(r.stream); err != nil {
		return nil, err
	}
	if losses := r.stream.Of("loss"); len(losses) > 0 {
		return nil, fmt.Errorf("loss without load: %s", losses[0].Raw)
	}
	if len(r.log.Conns) == 0 {
		return nil, fmt.Errorf("the program logged no HTTP/2 connection")
	}
	conns := r.stream.Conns()
	pairs, err := oracle.Match(conns, r.log, opt)
	if err != nil {
		return nil, err
	}
	if err := oracle.CheckHeaders(pairs, r.log); err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if err := checkConn(p); err != nil {
			return nil, err
		}
		if err := oracle.CheckWindows(p.Trace); err != nil {
			return nil, err
		}
		if err := oracle.CheckFinal(p); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// checkSummary compares the totals with the lines before them.
func checkSummary(s *contract.Stream) error {
	b, err := s.Summary.Balance()
	if err != nil {
		return err
	}
	if b.Seen != b.Delivered+b.Lost || b.Seen == 0 {
		return fmt.Errorf("summary: %d records seen, %d delivered, %d lost", b.Seen, b.Delivered, b.Lost)
	}
	if len(s.Of("loss")) == 0 && b.Lost != 0 {
		return fmt.Errorf("summary: %d records lost, none announced", b.Lost)
	}
	if got, want := *s.Summary.Frames, int64(len(s.Of("frame"))); got != want {
		return fmt.Errorf("summary: %d frames, %d lines", got, want)
	}
	return nil
}

// checkConn compares the lines of a connection with each other.
func checkConn(p *oracle.Pair) error {
	c := p.Trace
	switch {
	case c.Open == nil:
		return fmt.Errorf("%s has no open line", c.ID)
	case c.Open.Joined != "start":
		return fmt.Errorf("%s was joined %q: %s", c.ID, c.Open.Joined, c.Open.Raw)
	case c.Open.Protocol != "h2" && c.Open.Protocol != "h2c":
		return fmt.Errorf("%s speaks %q: %s", c.ID, c.Open.Protocol, c.Open.Raw)
	case c.Open.Local == "" || c.Open.Remote == "":
		return fmt.Errorf("%s without addresses: %s", c.ID, c.Open.Raw)
	case len(c.Resync) > 0:
		return fmt.Errorf("%s lost step without a loss: %s", c.ID, c.Resync[0].Raw)
	case c.Close != nil && *c.Close.Frames != int64(len(c.Frames)):
		return fmt.Errorf("%s closes with %d frames, %d lines", c.ID, *c.Close.Frames, len(c.Frames))
	}
	last := c.Open
	for _, e := range c.Frames {
		if e.TS < last.TS { // RFC 3339 of equal width sorts as text
			return fmt.Errorf("%s line %d: time goes back:\n%.300s\n%.300s", c.ID, e.Line, last.Raw, e.Raw)
		}
		last = e
		if e.Violation != "" && !isRefused(c, e) {
			return fmt.Errorf("%s line %d: a sound frame is called broken: %s", c.ID, e.Line, e.Raw)
		}
	}
	return checkTruncated(p)
}

// isRefused reports whether a stream exceeds the limit of concurrent streams, and the
// server, which knows, resets it. net/http waits for room before it handles SETTINGS, and
// may open the stream after it has acknowledged them.
func isRefused(c *contract.Conn, e *contract.Event) bool {
	return strings.Contains(e.Violation, "MAX_CONCURRENT_STREAMS") && slices.ContainsFunc(c.Frames, func(f *contract.Event) bool {
		return f.Type == "RST_STREAM" && f.Stream == e.Stream && f.Dir != e.Dir
	})
}

// checkTruncated permits a frame without all of its payload only as the last one: where
// the process ended before it had read the rest, and so did not log it; or in packets,
// where the connection ended before the rest of what it had written left.
func checkTruncated(p *oracle.Pair) error {
	left := [2]int{}
	for _, e := range p.Trace.Frames {
		left[e.Direction()]++
	}
	for _, e := range p.Trace.Frames {
		d := e.Direction()
		left[d]--
		cut := p.Tail[d] > 0 || d == wire.Send && p.OfPackets()
		if e.Truncated && (left[d] > 0 || !cut) {
			return fmt.Errorf("%s line %d: a whole frame is called truncated: %s", p.Trace.ID, e.Line, e.Raw)
		}
	}
	return nil
}
