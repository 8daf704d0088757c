package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
)

// dataFrame is a DATA line of the trace with the credit left to its sender.
func dataFrame(dir string, n uint32, connSend, streamSend int64) *contract.Event {
	return &contract.Event{Event: "frame", Conn: "c1", FrameKeys: contract.FrameKeys{
		Dir: dir, Type: "DATA", Stream: 1, Length: n, DataLength: n,
		Window: contract.Window{ConnSend: &connSend, StreamSend: &streamSend},
	}}
}

func update(increment uint32, connSend int64) *contract.Event {
	return &contract.Event{Event: "frame", Conn: "c1", FrameKeys: contract.FrameKeys{
		Dir: "recv", Type: "WINDOW_UPDATE", Length: 4, Increment: increment, Window: contract.Window{ConnSend: &connSend},
	}}
}

// partialLog sends DATA of 1, 2, 3, 4 bytes; between the second and the third it
// receives 1000 bytes of credit for the connection.
func partialLog(t *testing.T) *http2debug.Log {
	wrote := func(n int) string {
		return fmt.Sprintf("Framer 0xc01: wrote DATA stream=1 len=%d data=%q", n, strings.Repeat("x", n))
	}
	return logOf(t, wrote(1), wrote(2), "Framer 0xc01: read WINDOW_UPDATE len=4 (conn) incr=1000", wrote(3), wrote(4))
}

func TestPartial(t *testing.T) {
	tests := []struct {
		name  string
		trace []*contract.Event
		want  [2]Missing
		err   string
	}{
		{"all of it", []*contract.Event{
			dataFrame("send", 1, 65534, 65534), dataFrame("send", 2, 65532, 65532), update(1000, 66532),
			dataFrame("send", 3, 66529, 65529), dataFrame("send", 4, 66525, 65525),
		}, [2]Missing{}, ""},
		{
			"joined in the middle",
			[]*contract.Event{update(1000, 66532), dataFrame("send", 3, 66529, 65529)},
			[2]Missing{{Before: 2, After: 1}, {}},
			"",
		},
		{
			"one lost, right windows",
			[]*contract.Event{dataFrame("send", 1, 65534, 65534), update(1000, 66532), dataFrame("send", 3, 66529, 65529)},
			[2]Missing{{Within: 1, After: 1}, {}},
			"",
		},
		{
			"credit lost and not counted",
			[]*contract.Event{dataFrame("send", 1, 65534, 65534), dataFrame("send", 2, 65532, 65532), dataFrame("send", 3, 65529, 65529)},
			[2]Missing{{After: 1}, {After: 1}},
			"",
		}, // the order of the log is not that of the bytes: the frame may come later
		{
			"data lost and not counted",
			[]*contract.Event{dataFrame("send", 1, 65534, 65534), dataFrame("send", 3, 65531, 65531)},
			[2]Missing{{Within: 1, After: 1}, {After: 1}},
			"stream_send is 65531, by the log from 65529 to 65529",
		},
		{
			"a stream's window wrong",
			[]*contract.Event{dataFrame("send", 1, 65534, 65533)},
			[2]Missing{{After: 3}, {After: 1}},
			"stream_send is 65533, by the log from 65534 to 65534",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := contract.Stream{Events: tt.trace}
			p := &Partial{Trace: s.Conns()[0], Log: partialLog(t).Conns[0]}
			got, err := p.Place()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
			err = p.CheckWindows()
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

// TestPartialAlike has a frame that equals several others.
func TestPartialAlike(t *testing.T) {
	one := `Framer 0xc01: wrote DATA stream=1 len=1 data="x"`
	log := logOf(t, one, one, one, `Framer 0xc01: wrote DATA stream=1 len=2 data="xx"`, one)
	last := func(credit int64) *contract.Event { return dataFrame("send", 1, credit, credit) }
	tests := []struct {
		name  string
		trace []*contract.Event
		err   string
	}{
		{"the first", []*contract.Event{last(65534)}, ""},
		{"the last", []*contract.Event{last(65529)}, ""},
		{"none of them", []*contract.Event{last(65528)}, "is 65528, by the log from 65529 to 65534"},
		{"before another", []*contract.Event{last(65532), dataFrame("send", 2, 65530, 65530)}, ""},
		{"too late before another", []*contract.Event{last(65529), dataFrame("send", 2, 65530, 65530)}, "is 65529, by the log from 65532 to 65534"},
		{"behind another", []*contract.Event{dataFrame("send", 2, 65530, 65530), last(65529)}, ""},
		{"too early behind another", []*contract.Event{dataFrame("send", 2, 65530, 65530), last(65534)}, "is 65534, by the log from 65529 to 65529"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := contract.Stream{Events: tt.trace}
			p := &Partial{Trace: s.Conns()[0], Log: log.Conns[0]}
			if _, err := p.Place(); err != nil {
				t.Fatal(err)
			}
			err := p.CheckWindows()
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func TestPartialRefuses(t *testing.T) {
	tests := []struct {
		name  string
		trace []*contract.Event
	}{
		{"a frame that never was", []*contract.Event{dataFrame("send", 9, 0, 0)}},
		{"the wrong direction", []*contract.Event{dataFrame("recv", 1, 0, 0)}},
		{"frames out of order", []*contract.Event{dataFrame("send", 3, 0, 0), dataFrame("send", 2, 0, 0)}},
		{"a frame twice", []*contract.Event{dataFrame("send", 3, 0, 0), dataFrame("send", 3, 0, 0)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := contract.Stream{Events: tt.trace}
			p := &Partial{Trace: s.Conns()[0], Log: partialLog(t).Conns[0]}
			if _, err := p.Place(); err == nil {
				t.Error("placed")
			}
		})
	}
}

func TestPartialHeaders(t *testing.T) {
	log := logOf(t, encoding(":method", "GET"), encoding(":path", "/a"), fmt.Sprintf(wrote, 1))
	place := func(e *contract.Event) *Partial {
		s := contract.Stream{Events: []*contract.Event{e}}
		return &Partial{Trace: s.Conns()[0], Log: log.Conns[0], Headers: http2debug.Attribute(log.Events, log.Conns[0])}
	}
	if _, err := place(request("c1", "/a")).Place(); err != nil {
		t.Error(err)
	}
	if _, err := place(request("c1", "/b")).Place(); err == nil {
		t.Error("placed a block with a wrong header")
	}
	silent := request("c1", "")
	silent.Headers = nil
	p := place(silent)
	if _, err := p.Place(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.CheckUnknown(); err == nil {
		t.Error("accepted a block without headers and without headers_error")
	}
	silent.HeadersError = "unknown table"
	if known, unknown, err := p.CheckUnknown(); known != 0 || unknown != 1 || err != nil {
		t.Errorf("CheckUnknown() = %d, %d, %v, want 0, 1, nil", known, unknown, err)
	}
}

// TestLongestRunDecides shows why the longest run decides: the first frame alone fits
// in two places.
func TestLongestRunDecides(t *testing.T) {
	up := "Framer 0xc01: read WINDOW_UPDATE len=4 (conn) incr=%d"
	log := logOf(t, fmt.Sprintf(up, 5), fmt.Sprintf(up, 6), fmt.Sprintf(up, 5), fmt.Sprintf(up, 5), fmt.Sprintf(up, 7))
	s := contract.Stream{Events: []*contract.Event{update(5, 0), update(5, 0), update(7, 0)}}
	p := &Partial{Trace: s.Conns()[0], Log: log.Conns[0]}
	got, err := p.Place()
	if want := ([2]Missing{{}, {Before: 2}}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// TestLongestRunLeavesRoom has a longest run after which the next frame has no
// place.
func TestLongestRunLeavesRoom(t *testing.T) {
	up := "Framer 0xc01: read WINDOW_UPDATE len=4 (conn) incr=%d"
	lines := make([]string, 0, 6)
	for _, n := range []int{5, 9, 5, 7, 5, 5} {
		lines = append(lines, fmt.Sprintf(up, n))
	}
	s := contract.Stream{Events: []*contract.Event{update(5, 0), update(5, 0), update(7, 0)}}
	p := &Partial{Trace: s.Conns()[0], Log: logOf(t, lines...).Conns[0]}
	got, err := p.Place()
	if want := ([2]Missing{{}, {Within: 1, After: 2}}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
