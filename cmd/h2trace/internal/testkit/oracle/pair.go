// Package oracle compares h2trace's output with the log of the observed Go program
// itself, and with a model of flow control. Each frame, each header field and each
// window must be equal.
package oracle

import (
	"fmt"
	"slices"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Pair is one connection in both sources, the trace and the log.
type Pair struct {
	Trace *contract.Conn
	Log   *http2debug.Conn
	// Tail is, by direction, how many frames one source has beyond the last of the
	// other; see Options.
	Tail [2]int

	frames [2][]seen
}

// seen is one frame of the trace.
type seen struct {
	*wire.Frame
	event *contract.Event
}

// Options describe what a scenario makes unavoidable. The zero value requires
// equality without exception.
type Options struct {
	// Tail permits the sources to end at different frames. They do so when the
	// process exits while it holds bytes that TLS has delivered and the Framer has
	// not parsed (the trace has more of recv). They also do so when it has logged a
	// frame and not yet passed it to TLS (the log has more of send).
	Tail bool
}

// maxTail bounds in bytes what Options.Tail permits in either direction after one
// frame of any size: the buffer of net/http's bufio.Reader, or a burst of small
// writes.
const maxTail = 4096

// Match finds the traced connection that is equal to each logged one. It returns an
// error when their numbers differ or when one has no equal. The error then shows the
// first difference to the most similar one.
func Match(conns []*contract.Conn, log *http2debug.Log, opt Options) ([]*Pair, error) {
	var open []*Pair
	for _, c := range conns {
		if len(c.Frames) == 0 {
			continue
		}
		p, err := newPair(c)
		if err != nil {
			return nil, err
		}
		open = append(open, p)
	}
	logged := log.Conns
	if slices.ContainsFunc(open, (*Pair).OfPackets) {
		open = slices.DeleteFunc(open, (*Pair).oneWay)
		logged = slices.DeleteFunc(slices.Clone(logged), oneWay)
	}
	if len(open) != len(logged) {
		return nil, fmt.Errorf("%d connections with frames in the trace, %d in the log", len(open), len(logged))
	}
	var pairs []*Pair
	for _, lc := range logged {
		best, at := mostSimilar(open, lc, opt)
		if at.err != nil {
			return nil, fmt.Errorf("framer %s and %s: %w", lc.Framer, open[best].Trace.ID, at.err)
		}
		p := open[best]
		p.Log, p.Tail = lc, at.tail
		pairs = append(pairs, p)
		open = append(open[:best], open[best+1:]...)
	}
	return pairs, nil
}

// OfPackets reports whether packets show what TLS carries: what left and what came, and
// not what the process wrote and read.
func (p *Pair) OfPackets() bool {
	open := p.Trace.Open
	return open != nil && open.Protocol == "h2" && strings.Contains(open.Raw, `"source":"wire"`)
}

// oneWay reports whether frames went in one direction only. net/http closes surplus
// connections at once. Then what the server writes may not leave, and the client does
// not read what came.
func (p *Pair) oneWay() bool { return len(p.frames[wire.Send]) == 0 || len(p.frames[wire.Recv]) == 0 }

// oneWay reports the same of a logged connection.
func oneWay(c *http2debug.Conn) bool { return len(c.Dir(wire.Send)) == 0 || len(c.Dir(wire.Recv)) == 0 }

func newPair(c *contract.Conn) (*Pair, error) {
	p := &Pair{Trace: c}
	for _, e := range c.Frames {
		f, err := e.WireFrame()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %.300s", e.Line, err, e.Raw)
		}
		d := e.Direction()
		p.frames[d] = append(p.frames[d], seen{f, e})
	}
	return p, nil
}

// likeness is how far two connections agree.
type likeness struct {
	common int // frames before the first difference, both directions
	tail   [2]int
	err    error // the first difference
}

func mostSimilar(open []*Pair, lc *http2debug.Conn, opt Options) (best int, at likeness) {
	at.common = -1
	for i, p := range open {
		l := p.compare(lc, Options{Tail: opt.Tail || p.OfPackets()})
		if l.err == nil {
			return i, l
		}
		if l.common > at.common {
			best, at = i, l
		}
	}
	return best, at
}

func (p *Pair) compare(lc *http2debug.Conn, opt Options) likeness {
	var l likeness
	for _, d := range []wire.Dir{wire.Send, wire.Recv} {
		common, tail, err := compareDir(d, p.frames[d], lc.Dir(d), opt)
		l.common += common
		l.tail[d] = tail
		if l.err == nil {
			l.err = err
		}
	}
	return l
}

func compareDir(d wire.Dir, trace []seen, log []*http2debug.Frame, opt Options) (common, tail int, err error) {
	n := min(len(trace), len(log))
	for i := range n {
		if trace[i].String() != log[i].String() {
			return i, 0, difference(d, i, trace, log)
		}
	}
	if len(trace) == len(log) {
		return n, 0, nil
	}
	size := 0
	for _, f := range trace[min(n+1, len(trace)):] {
		size += 9 + int(f.Length)
	}
	for _, f := range log[min(n+1, len(log)):] {
		size += 9 + int(f.Length)
	}
	// A frame that only the trace sent, or only the log read, is never a tail.
	natural := d == wire.Recv && len(trace) > len(log) || d == wire.Send && len(log) > len(trace)
	if opt.Tail && natural && size <= maxTail {
		return n, max(len(trace), len(log)) - n, nil
	}
	return n, 0, difference(d, n, trace, log)
}

// difference shows frame i of both sources and its neighbours.
func difference(d wire.Dir, i int, trace []seen, log []*http2debug.Frame) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s frame %d differs (trace has %d, log has %d)\n", d, i, len(trace), len(log))
	for k := max(0, i-3); k < i+4; k++ {
		mark := "  "
		if k == i {
			mark = "> "
		}
		if k < len(trace) {
			fmt.Fprintf(&b, "%strace[%d] line %d: %s\n", mark, k, trace[k].event.Line, trace[k].Frame)
		}
		if k < len(log) {
			fmt.Fprintf(&b, "%s  log[%d] line %d: %s\n", mark, k, log[k].Line, &log[k].Frame)
		}
	}
	return fmt.Errorf("%s", b.String())
}
