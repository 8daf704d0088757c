package decoder

import (
	"fmt"
	"strings"
	"testing"

	"h2trace/decoder/ktime"
)

// TestMissed drops each record of conversations in turn. The records of the other direction
// report that one is missing. The next record of its own direction shows where. No event in
// between is wrong.
func TestMissed(t *testing.T) {
	const frames = 150
	for seed := range uint64(8) {
		g := converse(seed, frames)
		for drop := range len(g.inputs) {
			s := &truthSink{trace: g}
			c := NewConn(Config{Role: Client, FromStart: true}, s)
			missing := false
			for i, in := range g.inputs {
				lost := g.inputs[drop]
				switch {
				case i == drop:
					missing = true
					continue
				case missing && in.dir == lost.dir:
					missing = false
					c.Gap(in.at, in.dir, int64(len(lost.data)))
				case missing:
					c.Missed(lost.dir)
				}
				c.Data(in.at, in.dir, in.data)
			}
			c.Close(frames)
			if len(s.wrong) > 0 {
				t.Fatalf("seed %d, record %d of %s is missing:\n%s", seed, drop, g.inputs[drop].dir, strings.Join(s.wrong, "\n"))
			}
			if s.known == 0 {
				t.Fatalf("seed %d, record %d is missing: nothing is known", seed, drop)
			}
		}
	}
}

// truthSink compares the frames of a conversation with the true ones.
type truthSink struct {
	*trace
	wrong []string
	known int
}

func (s *truthSink) Protocol(ktime.Time, Protocol, bool) {}
func (s *truthSink) Resync(ktime.Time, Direction, int64) {}
func (s *truthSink) Frame(f *Frame) {
	want := strings.Split(s.want[f.Time], ",")
	for i, c := range []Credit{f.Window.ConnSend, f.Window.ConnRecv, f.Window.StreamSend, f.Window.StreamRecv} {
		if c.Known {
			s.known++
		}
		if c.Known && credit(c) != want[i] {
			s.wrong = append(s.wrong, fmt.Sprintf("%s, want windows %s", describe(f), s.want[f.Time]))
		}
	}
	if ofFrame(f) != nil || f.BlockEnd && f.HeadersError == "" && fmt.Sprint(f.Headers) != s.fields[f.Time] {
		s.wrong = append(s.wrong, describe(f))
	}
}
