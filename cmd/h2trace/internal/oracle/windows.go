package oracle

import (
	"fmt"

	"h2trace/cmd/h2trace/internal/contract"
	"h2trace/cmd/h2trace/internal/flowmodel"
	"h2trace/cmd/h2trace/internal/http2debug"
	"h2trace/cmd/h2trace/internal/wire"
)

// CheckWindows holds every window that the trace printed for a connection seen
// from its first byte against the model fed the trace's own frames.
func CheckWindows(c *contract.Conn) error {
	m := flowmodel.New()
	for _, e := range c.Frames {
		f, err := e.WireFrame()
		if err != nil {
			return fmt.Errorf("line %d: %w", e.Line, err)
		}
		w := m.Frame(e.Direction(), f)
		want := contract.Window{ConnSend: &w.ConnSend, ConnRecv: &w.ConnRecv}
		if w.StreamKnown {
			want.StreamSend, want.StreamRecv = &w.StreamSend, &w.StreamRecv
		}
		if got := e.Window; windowString(got) != windowString(want) {
			return fmt.Errorf("%s line %d, %s %s: window %s, the model has %s",
				c.ID, e.Line, e.Dir, f, windowString(got), windowString(want))
		}
	}
	return nil
}

// CheckFinal holds the last windows of the trace against the model fed the
// log. The log's order across directions is its own, so a stream on which a
// frame crossed the closing one is left out: there the two may rightly differ.
func CheckFinal(p *Pair) error {
	if p.Tail != [2]int{} {
		return nil
	}
	m := modelOf(p.Log)
	last := make(map[uint32]*contract.Event)
	crossed := make(map[uint32]bool)
	for _, e := range p.Trace.Frames {
		if e.Stream != 0 && e.Window.StreamSend == nil && last[e.Stream] != nil {
			crossed[e.Stream] = true
		}
		if e.Window.StreamSend != nil {
			last[e.Stream] = e
		}
	}
	send, recv := m.Conn()
	end := p.Trace.Frames[len(p.Trace.Frames)-1]
	if got, want := windowString(contract.Window{ConnSend: end.Window.ConnSend, ConnRecv: end.Window.ConnRecv}),
		windowString(contract.Window{ConnSend: &send, ConnRecv: &recv}); got != want {
		return fmt.Errorf("%s: last window %s, the log comes to %s", p.Trace.ID, got, want)
	}
	for id, e := range last {
		w, ok := m.Last(id)
		if crossed[id] || !ok || len(logged(p.Log, id)) != m.Frames(id) {
			continue
		}
		got := windowString(contract.Window{StreamSend: e.Window.StreamSend, StreamRecv: e.Window.StreamRecv})
		want := windowString(contract.Window{StreamSend: &w.StreamSend, StreamRecv: &w.StreamRecv})
		if got != want {
			return fmt.Errorf("%s stream %d: last window %s, the log comes to %s", p.Trace.ID, id, got, want)
		}
	}
	return nil
}

func modelOf(c *http2debug.Conn) *flowmodel.Model {
	m := flowmodel.New()
	for _, f := range c.Frames {
		m.Frame(f.Dir, &f.Frame)
	}
	return m
}

func logged(c *http2debug.Conn, id uint32) []*http2debug.Frame {
	var out []*http2debug.Frame
	for _, f := range c.Frames {
		if f.Stream == id && f.Type != wire.Priority {
			out = append(out, f)
		}
	}
	return out
}

func windowString(w contract.Window) string {
	part := func(p *int64) string {
		if p == nil {
			return "null"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("{conn %s/%s stream %s/%s}",
		part(w.ConnSend), part(w.ConnRecv), part(w.StreamSend), part(w.StreamRecv))
}
