package oracle

import (
	"errors"
	"fmt"

	"h2trace/cmd/h2trace/internal/contract"
	"h2trace/cmd/h2trace/internal/http2debug"
	"h2trace/cmd/h2trace/internal/wire"
)

// Partial is a connection of which the trace has seen only a part: it joined
// in the middle, or records were lost. What it does print must still be true.
type Partial struct {
	Trace *contract.Conn
	Log   *http2debug.Conn
	// Headers are the header lists of the log, as Attribute gives them.
	Headers map[*http2debug.Frame][]http2debug.Field

	events []placed
	logged [2][]*http2debug.Frame
}

// placed is a frame of the trace and its place in the log, by direction.
type placed struct {
	event *contract.Event
	frame *wire.Frame
	dir   wire.Dir
	at    int
}

// Missing is how many logged frames a direction of the trace lacks: before
// its first, between the first and the last, and after the last.
type Missing struct{ Before, Within, After int }

// Place finds each traced frame in the log, in order, with equal header lists
// where the trace prints one. It must be called before the checks.
func (p *Partial) Place() (missing [2]Missing, err error) {
	for _, d := range []wire.Dir{wire.Send, wire.Recv} {
		p.logged[d] = p.Log.Dir(d)
	}
	next := [2]int{}
	for _, e := range p.Trace.Frames {
		f, err := e.WireFrame()
		if err != nil && !e.Truncated {
			return missing, fmt.Errorf("line %d: %w: %.300s", e.Line, err, e.Raw)
		}
		d := e.Direction()
		at := next[d]
		for at < len(p.logged[d]) && !p.equal(e, f, p.logged[d][at]) {
			at++
		}
		if at == len(p.logged[d]) {
			return missing, fmt.Errorf("%s line %d is nowhere in the log after line %d: %s %s%s",
				p.Trace.ID, e.Line, p.line(d, next[d]-1), d, f, p.candidates(d, next[d]))
		}
		if next[d] == 0 {
			missing[d].Before = at
		} else {
			missing[d].Within += at - next[d]
		}
		next[d] = at + 1
		p.events = append(p.events, placed{e, f, d, at})
	}
	for d := range next {
		missing[d].After = len(p.logged[d]) - next[d]
	}
	return missing, nil
}

func (p *Partial) equal(e *contract.Event, f *wire.Frame, log *http2debug.Frame) bool {
	if e.Truncated {
		return f.Type == log.Type && f.Flags == log.Flags && f.Stream == log.Stream && f.Length == log.Length
	}
	if f.String() != log.String() {
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

// candidates shows what the log goes on with.
func (p *Partial) candidates(d wire.Dir, from int) string {
	s := ""
	for _, f := range p.logged[d][from:min(from+5, len(p.logged[d]))] {
		s += fmt.Sprintf("\n  log line %d: %s %v", f.Line, &f.Frame, p.Headers[f])
	}
	return s
}

// CheckUnknown demands that what the trace does not know it says: a block
// without headers has an error, and the share of the rest is counted.
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

// CheckWindows holds every window that the trace prints against the log. In
// the frame's own direction its place in the log is exact. In the other, the
// frames since the last that the trace has and before the next may or may not
// have come first, so the window has a range, which is one value where
// nothing is missing.
func (p *Partial) CheckWindows() error {
	if len(p.events) == 0 {
		return errors.New("no frames")
	}
	sums := p.sum()
	last := [2]int{-1, -1}
	for i, e := range p.events {
		last[e.dir] = e.at
		lo, hi := last, last
		other := wire.Recv - e.dir
		hi[other] = p.nextPlaced(i, other) - 1
		for _, side := range []struct {
			name   string
			got    *int64
			stream uint32
			data   wire.Dir // the direction that spends this credit
		}{
			{"conn_send", e.event.Window.ConnSend, 0, wire.Send},
			{"conn_recv", e.event.Window.ConnRecv, 0, wire.Recv},
			{"stream_send", e.event.Window.StreamSend, e.frame.Stream, wire.Send},
			{"stream_recv", e.event.Window.StreamRecv, e.frame.Stream, wire.Recv},
		} {
			if side.got == nil {
				continue
			}
			back := wire.Recv - side.data
			least := sums.credit(side.stream, side.data, hi[side.data], lo[back])
			most := sums.credit(side.stream, side.data, lo[side.data], hi[back])
			if *side.got < least || *side.got > most {
				return fmt.Errorf("%s line %d, %s %s: %s is %d, by the log from %d to %d",
					p.Trace.ID, e.event.Line, e.dir, e.frame, side.name, *side.got, least, most)
			}
		}
	}
	return nil
}

// nextPlaced returns the place of the first traced frame after i that went in
// direction d, or the end of the log.
func (p *Partial) nextPlaced(i int, d wire.Dir) int {
	for _, e := range p.events[i+1:] {
		if e.dir == d {
			return e.at
		}
	}
	return len(p.logged[d])
}
