//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/testkit/hostile"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// TestFlood has peers send frames without end. Each frame is printed or counted, once, and what
// follows the flood is printed again.
func TestFlood(t *testing.T) {
	for i := range hostile.Conversations {
		c := &hostile.Conversations[i]
		talk := c.Of(min(c.N, 1000))
		switch c.Name {
		case "ping", "rapid reset", "empty CONTINUATION", "settings", "priority", "empty DATA", "HPACK bomb":
		default:
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			table.config.Overhead = decoder.Overhead{Burst: 300, PerSecond: 100}
			head := func(at time.Duration) bpf.Head { return bpf.Head{Conn: 1, PID: 9, Time: ktime.Time(1 + at)} }
			table.open(&bpf.Open{Head: head(0), Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true})
			var sent [2]uint64
			say := func(at time.Duration, s hostile.Step) {
				dir := bpf.Recv
				if s.FromClient {
					dir = bpf.Send
				}
				table.segment(&bpf.Segment{Head: head(at), Wire: bpf.WireHTTP, Dir: dir, Offset: sent[dir], Payload: s.Bytes})
				sent[dir] += uint64(len(s.Bytes))
			}
			for _, s := range talk.Steps {
				say(time.Millisecond, s)
			}
			calm := hostile.Talk{}
			calm.Answered(2*999_999 + 1)
			for _, s := range calm.Steps {
				say(time.Minute, s)
			}
			do(t, table.close(&bpf.Close{Head: head(time.Minute), Totals: bpf.Totals{Offset: sent}}))
			do(t, table.expire(ktime.Time(2*time.Minute), true))
			do(t, table.events.Flush())
			var printed, counted, floods, answered int
			for line := range bytes.Lines(out.Bytes()) {
				var e struct {
					Event, Action string
					Stream        int
					Status        int
					Counted       []struct{ Frames int }
				}
				do(t, json.Unmarshal(line, &e))
				switch {
				case e.Event == "frame":
					printed++
				case e.Action == "flood":
					floods++
				case e.Event == "exchange" && e.Stream == 2*999_999+1 && e.Status == 200:
					answered++
				}
				for _, n := range e.Counted {
					counted += n.Frames
				}
			}
			if total := talk.Frames + calm.Frames; printed+counted != total || floods == 0 || counted == 0 || answered != 1 {
				t.Errorf("%d floods; %d frames are printed and %d counted, of %d; the last request is answered %d times", floods, printed, counted, total, answered)
			}
		})
	}
}
