package oracle

import (
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/flowmodel"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Known is how many frames the trace printed windows for: of the connection in both
// directions, and of the stream where it is open, and since which frame.
type Known struct {
	Frames                 int
	ConnSend, ConnRecv     int
	Streams, StreamUnknown int
	FirstConn              int // the frame from which the connection's are known, -1: none
	FirstStreams           int // the last frame with an unknown stream window, + 1
}

// maxTries bounds the places of both directions that are tried.
const maxTries = 1000

// CheckFlow compares every window that the trace printed with a model of the whole log.
// Where the frames of a direction are in several places of the log alike, the windows
// have to be right for one of them.
func (p *Partial) CheckFlow() (Known, error) {
	k, err := p.checkFlow()
	tries := 0
	for _, send := range p.places(wire.Send) {
		for _, recv := range p.places(wire.Recv) {
			if tries++; err == nil || tries > maxTries {
				return k, err
			}
			p.move(wire.Send, send)
			p.move(wire.Recv, recv)
			if k, other := p.checkFlow(); other == nil {
				return k, nil
			}
		}
	}
	return k, err
}

// places returns where all frames of a direction may begin, or nil if it has a gap.
func (p *Partial) places(d wire.Dir) []int {
	if len(p.starts[d]) == 0 && (len(p.traced[d]) == 0 || p.traced[d][len(p.traced[d])-1].at-p.traced[d][0].at >= len(p.traced[d])) {
		return nil
	}
	return append([]int{p.traced[d][0].at}, p.starts[d]...)
}

// checkFlow does so for the places that are assumed: up to the first traced frame in the
// order of the log, then in the order of the trace.
func (p *Partial) checkFlow() (Known, error) {
	k := Known{Frames: len(p.events), FirstConn: -1}
	m := flowmodel.New()
	var next [2]int
	for _, d := range []wire.Dir{wire.Send, wire.Recv} {
		next[d] = len(p.logged[d])
	}
	for i := len(p.events) - 1; i >= 0; i-- {
		next[p.events[i].dir] = p.events[i].at
	}
	first, seen := next, [2]int{}
	for _, f := range p.Log.Frames {
		if seen[f.Dir] < first[f.Dir] {
			m.Frame(f.Dir, &f.Frame)
		}
		seen[f.Dir]++
	}
	for i, e := range p.events {
		for ; next[e.dir] < e.at; next[e.dir]++ {
			m.Frame(e.dir, &p.logged[e.dir][next[e.dir]].Frame)
		}
		want := m.Frame(e.dir, &p.logged[e.dir][e.at].Frame)
		next[e.dir] = e.at + 1
		if err := compareKnown(e.event.Window, want); err != nil {
			return k, fmt.Errorf("%s line %d, frame %d, %s %s: %w; known so far %+v", p.Trace.ID, e.event.Line, i, e.dir, e.frame, err, k)
		}
		k.count(i, e, want.StreamKnown)
	}
	return k, nil
}

func (k *Known) count(i int, e *placed, open bool) {
	w := e.event.Window
	if w.ConnSend != nil {
		k.ConnSend++
	}
	if w.ConnRecv != nil {
		k.ConnRecv++
	}
	if w.ConnSend != nil && w.ConnRecv != nil && k.FirstConn < 0 {
		k.FirstConn = i
	}
	switch {
	case !open:
	case w.StreamSend != nil && w.StreamRecv != nil:
		k.Streams++
	default:
		k.StreamUnknown++
		k.FirstStreams = i + 1
	}
}

// compareKnown requires that each window is unknown or right.
func compareKnown(got contract.Window, want flowmodel.Window) error {
	for _, w := range []struct {
		name  string
		got   *int64
		want  int64
		known bool
	}{
		{"conn_send", got.ConnSend, want.ConnSend, true},
		{"conn_recv", got.ConnRecv, want.ConnRecv, true},
		{"stream_send", got.StreamSend, want.StreamSend, want.StreamKnown},
		{"stream_recv", got.StreamRecv, want.StreamRecv, want.StreamKnown},
	} {
		switch {
		case w.got == nil:
		case !w.known:
			return fmt.Errorf("%s is %d, but the stream is not open", w.name, *w.got)
		case *w.got != w.want:
			return fmt.Errorf("%s is %d, the model has %d", w.name, *w.got, w.want)
		}
	}
	return nil
}
