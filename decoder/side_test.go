package decoder

import (
	"bytes"
	"slices"
	"testing"

	"h2trace/decoder/ktime"
)

// TestHalfReturns drives a direction without a Conn. It returns the events of its bytes. It
// takes held bytes again, each with its own time.
func TestHalfReturns(t *testing.T) {
	ping := wire(TypePing, 0, 0, make([]byte, 8))
	wrong := bytes.Repeat([]byte{0xff}, frameHeaderLen)
	for _, tt := range []struct {
		name   string
		mode   mode
		pieces [][]byte
		want   []event
		times  []ktime.Time // of the frames
		old    []bool
	}{
		{"in step", framing, [][]byte{ping[:5], ping[5:], slices.Concat(ping, ping)}, []event{framed, framed, framed}, []ktime.Time{2, 3, 3}, []bool{false, false, false}},
		{"search", searching, [][]byte{ping, ping, ping}, []event{found, framed, framed, framed}, []ktime.Time{1, 2, 3}, []bool{true, false, false}},
		{"search in vain", searching, [][]byte{wrong, wrong}, nil, nil, nil},
		{"on probation", searching, [][]byte{ping, ping, slices.Concat(wrong, wrong)}, []event{found, framed, framed, lost}, []ktime.Time{1, 2}, []bool{true, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &side{mode: tt.mode, search: search{bonus: true}}
			var got []event
			var times []ktime.Time
			var old []bool
			for i, piece := range tt.pieces {
				at := ktime.Time(i + 1)
				h.give(at, piece)
				for h.more() {
					e := h.next(plausible{})
					switch e {
					case dry:
						continue
					case found:
						h.enter(at)
					case framed:
						times, old = append(times, h.intake.time), append(old, h.intake.old)
						h.finish()
						h.finished()
					}
					got = append(got, e)
				}
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(times, tt.times) || !slices.Equal(old, tt.old) {
				t.Errorf("got %v, frames at %v, old %v; want %v, %v, %v", got, times, old, tt.want, tt.times, tt.old)
			}
			if h.intake.b != nil {
				t.Error("the caller's bytes are kept")
			}
		})
	}
}
