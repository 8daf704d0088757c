package oracle

import (
	"fmt"
	"slices"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Partial is a connection of which the trace has seen only a part: it joined in the
// middle, or records were lost. Everything that it prints must still be true.
type Partial struct {
	Trace *contract.Conn
	Log   *http2debug.Conn
	// Headers are the header lists of the log, as returned by Attribute.
	Headers map[*http2debug.Frame][]http2debug.Field

	events []*placed
	traced [2][]*placed // the same by direction
	logged [2][]*http2debug.Frame
	// starts are the other places where all frames of a direction without a gap agree:
	// a hundred of DATA and WINDOW_UPDATE look like a hundred others.
	starts [2][]int
}

// placed is a frame of the trace and its place in the log, by direction: the assumed
// place, and the range of possible ones. Next to a gap one WINDOW_UPDATE may be any
// of the missing ones.
type placed struct {
	event           *contract.Event
	frame           *wire.Frame
	dir             wire.Dir
	at, first, last int
}

// Missing is how many logged frames a direction of the trace lacks: before its first,
// between the first and the last, and after the last.
type Missing struct{ Before, Within, After int }

// Place finds each traced frame in the log, in order, with equal header lists where
// the trace prints one. Call it before the checks.
func (p *Partial) Place() (missing [2]Missing, err error) {
	traced := &p.traced
	for _, e := range p.Trace.Frames {
		f, err := e.WireFrame()
		if err != nil && !e.Truncated {
			return missing, fmt.Errorf("line %d: %w: %.300s", e.Line, err, e.Raw)
		}
		pl := &placed{event: e, frame: f, dir: e.Direction()}
		p.events = append(p.events, pl)
		traced[pl.dir] = append(traced[pl.dir], pl)
	}
	for _, d := range []wire.Dir{wire.Send, wire.Recv} {
		p.logged[d] = p.Log.Dir(d)
		if err := p.bound(d, traced[d]); err != nil {
			return missing, err
		}
		missing[d] = p.placeDir(d, traced[d])
	}
	return missing, nil
}

func (p *Partial) placeDir(d wire.Dir, traced []*placed) (m Missing) {
	next := 0
	for i, pl := range traced {
		at := p.find(traced[i:], p.logged[d], next, i == 0)
		if i == 0 {
			m.Before = at
		} else {
			m.Within += at - next
		}
		pl.at, next = at, at+1
	}
	m.After = len(p.logged[d]) - next
	for at := 0; m.Within == 0 && len(traced) > 0 && at <= traced[0].last; at++ {
		if at != traced[0].at && p.run(traced, p.logged[d], at) == len(traced) {
			p.starts[d] = append(p.starts[d], at)
		}
	}
	return m
}

// run returns how many of traced agree with the log from at on.
func (p *Partial) run(traced []*placed, logged []*http2debug.Frame, at int) int {
	n := 0
	for n < len(traced) && at+n < len(logged) && p.equal(traced[n], logged[at+n]) {
		n++
	}
	return n
}

// move places all frames of a direction without a gap from at on.
func (p *Partial) move(d wire.Dir, at int) {
	for i, pl := range p.traced[d] {
		pl.at = at + i
	}
}

// bound finds the first and the last possible place of each frame, with all others
// before it and after it in their order.
func (p *Partial) bound(d wire.Dir, traced []*placed) error {
	logged := p.logged[d]
	at := 0
	for _, pl := range traced {
		from := at
		for at < len(logged) && !p.equal(pl, logged[at]) {
			at++
		}
		if at == len(logged) {
			return fmt.Errorf("%s line %d is nowhere in the log after line %d: %s %s%s",
				p.Trace.ID, pl.event.Line, p.line(d, from-1), d, pl.frame, p.candidates(d, from))
		}
		pl.first = at
		at++
	}
	at = len(logged) - 1
	for _, pl := range slices.Backward(traced) {
		for !p.equal(pl, logged[at]) {
			at--
		}
		pl.last = at
		at--
	}
	return nil
}

// find returns where the first of traced is in the log: at from, or after a gap where
// the longest run of frames agrees. One WINDOW_UPDATE looks like another, and a
// hundred of them like a hundred others. It leaves room for the frames that follow.
func (p *Partial) find(traced []*placed, logged []*http2debug.Frame, from int, first bool) int {
	if !first && p.equal(traced[0], logged[from]) {
		return from
	}
	best, longest := 0, 0
	for at := from; at <= traced[0].last && longest < len(traced); at++ {
		if n := p.run(traced, logged, at); n > longest {
			best, longest = at, n
		}
	}
	return best
}

func (p *Partial) equal(pl *placed, log *http2debug.Frame) bool {
	e, f := pl.event, pl.frame
	if e.Truncated {
		return f.Type == log.Type && f.Flags == log.Flags && f.Stream == log.Stream && f.Length == log.Length
	}
	if f.Stream != log.Stream || f.Type != log.Type || f.String() != log.String() {
		return false
	}
	if e.Headers == nil {
		return true
	}
	want := p.Headers[log]
	if len(want) != len(e.Headers) {
		return false
	}
	for i := range want {
		if e.Headers[i].Field() != want[i].Field {
			return false
		}
	}
	return true
}

func (p *Partial) line(d wire.Dir, i int) int {
	if i < 0 {
		return 0
	}
	return p.logged[d][i].Line
}

// candidates shows the next frames of the log.
func (p *Partial) candidates(d wire.Dir, from int) string {
	s := ""
	for _, f := range p.logged[d][from:min(from+5, len(p.logged[d]))] {
		s += fmt.Sprintf("\n  log line %d: %s %v", f.Line, &f.Frame, p.Headers[f])
	}
	return s
}

// CheckUnknown requires that the trace admits what it does not know: a block without
// headers has an error, and the share of the rest is counted.
func (p *Partial) CheckUnknown() (known, unknown int, err error) {
	for _, e := range p.events {
		switch {
		case !e.frame.EndsBlock():
		case e.event.Headers != nil:
			known++
		case e.event.HeadersError == "" && !e.event.Truncated:
			return 0, 0, fmt.Errorf("%s line %d: no headers and no headers_error", p.Trace.ID, e.event.Line)
		default:
			unknown++
		}
	}
	return known, unknown, nil
}
