package oracle

import (
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/flowmodel"
)

// CheckWindows compares every window that the trace printed for a connection seen
// from its first byte with the model of the trace's own frames.
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

// CheckFinal compares the final windows of the trace with those of the log. The order
// of the log across directions is its own. A stream may close before a frame in one
// order and after it in the other; CheckFinal skips such a stream, because the two
// may rightly differ.
func CheckFinal(p *Pair) error {
	if p.Tail != [2]int{} {
		return nil
	}
	trace, log := flowmodel.New(), flowmodel.New()
	for _, e := range p.Trace.Frames {
		f, err := e.WireFrame()
		if err != nil {
			return err
		}
		trace.Frame(e.Direction(), f)
	}
	for _, f := range p.Log.Frames {
		log.Frame(f.Dir, &f.Frame)
	}
	send, recv := log.Conn()
	end := p.Trace.Frames[len(p.Trace.Frames)-1].Window
	got := windowString(contract.Window{ConnSend: end.ConnSend, ConnRecv: end.ConnRecv})
	if want := windowString(contract.Window{ConnSend: &send, ConnRecv: &recv}); got != want {
		return fmt.Errorf("%s: last window %s, the log comes to %s", p.Trace.ID, got, want)
	}
	for _, id := range log.Streams() {
		want, _ := log.Last(id)
		got, ok := trace.Last(id)
		if !ok {
			return fmt.Errorf("%s: no stream %d", p.Trace.ID, id)
		}
		if got.Frames != want.Frames || got.Changes != want.Changes {
			continue
		}
		if got.Window.StreamSend != want.Window.StreamSend || got.Window.StreamRecv != want.Window.StreamRecv {
			return fmt.Errorf("%s stream %d: comes to %+v, by the log to %+v", p.Trace.ID, id, got, want)
		}
	}
	return nil
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
