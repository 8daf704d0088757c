package oracle

import (
	"errors"
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// CheckWindows compares every window that the trace prints with the log. Where a
// frame matches only one place of the log, that is exact in its own direction. In the
// other direction, the frames between the last and the next traced one may or may not
// have come first. So the window has a range, which is a single value if nothing is
// missing.
func (p *Partial) CheckWindows() error {
	if len(p.events) == 0 {
		return errors.New("no frames")
	}
	sums := p.sum()
	before := [2]int{-1, -1} // the earliest place of the last frame of each direction
	for i, e := range p.events {
		before[e.dir] = e.first
		lo := before
		other := wire.Recv - e.dir
		var hi [2]int
		hi[e.dir], hi[other] = e.last, p.nextPlaced(i, other)-1
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
			if side.stream != 0 {
				one, other := sums.initialAt(side.data, lo[wire.Recv]), sums.initialAt(side.data, hi[wire.Recv])
				least, most = least+min(one, other), most+max(one, other)
			}
			if *side.got < least || *side.got > most {
				return fmt.Errorf("%s line %d, %s %s: %s is %d, by the log from %d to %d",
					p.Trace.ID, e.event.Line, e.dir, e.frame, side.name, *side.got, least, most)
			}
		}
	}
	return nil
}

// nextPlaced returns the last place of the first traced frame after i in direction d,
// or the end of the log.
func (p *Partial) nextPlaced(i int, d wire.Dir) int {
	for _, e := range p.events[i+1:] {
		if e.dir == d {
			return e.last
		}
	}
	return len(p.logged[d])
}
