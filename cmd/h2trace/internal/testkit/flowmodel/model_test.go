package flowmodel

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

func TestModel(t *testing.T) {
	type step struct {
		dir  wire.Dir
		f    wire.Frame
		want Window
	}
	const end = wire.FlagEndStream
	const block = wire.FlagEndHeaders
	settings := func(size uint32) []wire.Setting {
		return []wire.Setting{{ID: 0x1, Value: 7}, {ID: wire.SettingInitialWindowSize, Value: size}}
	}
	known := func(cs, cr, ss, sr int64) Window { return Window{cs, cr, ss, sr, true} }
	conn := func(cs, cr int64) Window { return Window{ConnSend: cs, ConnRecv: cr} }

	tests := []struct {
		name  string
		steps []step
	}{
		{"own settings wait for the ACK, the peer's do not", []step{
			{wire.Send, wire.Frame{Type: wire.Settings, Settings: settings(1000)}, conn(65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Settings, Settings: settings(10)}, conn(65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 3}, known(65535, 65535, 10, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Settings, Flags: wire.FlagAck}, conn(65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 5}, known(65535, 65535, 10, 1000)},
			{wire.Recv, wire.Frame{Type: wire.Data, Stream: 1, Length: 5}, known(65535, 65530, 10, 995)},
		}},
		{"a smaller initial window can make a stream negative", []step{
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Data, Stream: 1, Length: 16384}, known(49151, 65535, 49151, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Settings, Settings: settings(100)}, conn(49151, 65535)},
			{wire.Recv, wire.Frame{Type: wire.WindowUpdate, Stream: 1, Increment: 4}, known(49151, 65535, -16280, 65535)},
			{wire.Recv, wire.Frame{Type: wire.WindowUpdate, Increment: 9}, conn(49160, 65535)},
		}},
		{"the closing frame shows the stream, later ones only count on the connection", []step{
			{wire.Recv, wire.Frame{Type: wire.Headers, Flags: block | end, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.Data, Flags: end, Stream: 1, Length: 100}, known(65435, 65535, 65435, 65535)},
			{wire.Recv, wire.Frame{Type: wire.WindowUpdate, Stream: 1, Increment: 9}, conn(65435, 65535)},
			{wire.Send, wire.Frame{Type: wire.Data, Stream: 1, Length: 35}, conn(65400, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Headers, Flags: block, Stream: 1}, conn(65400, 65535)},
		}},
		{"a reset closes, padding counts", []step{
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Data, Flags: wire.FlagPadded, Stream: 1, Length: 35, DataLength: 4}, known(65535, 65500, 65535, 65500)},
			{wire.Send, wire.Frame{Type: wire.RSTStream, Stream: 1}, known(65535, 65500, 65535, 65500)},
			{wire.Recv, wire.Frame{Type: wire.Data, Stream: 1, Length: 500}, conn(65535, 65000)},
		}},
		{"END_STREAM takes effect with the last CONTINUATION", []step{
			{wire.Send, wire.Frame{Type: wire.Headers, Flags: block | end, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Headers, Flags: end, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Recv, wire.Frame{Type: wire.Continuation, Flags: block, Stream: 1}, known(65535, 65535, 65535, 65535)},
			{wire.Recv, wire.Frame{Type: wire.RSTStream, Stream: 1}, conn(65535, 65535)},
		}},
		{"idle streams have no windows", []step{
			{wire.Send, wire.Frame{Type: wire.Priority, Stream: 7}, conn(65535, 65535)},
			{wire.Send, wire.Frame{Type: wire.WindowUpdate, Stream: 9, Increment: 1}, conn(65535, 65535)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := New()
			for i, s := range tt.steps {
				if diff := cmp.Diff(s.want, m.Frame(s.dir, &s.f)); diff != "" {
					t.Fatalf("after step %d, %s %s (-want +got):\n%s", i, s.dir, &s.f, diff)
				}
			}
		})
	}
}

func TestLast(t *testing.T) {
	m := New()
	m.Frame(wire.Send, &wire.Frame{Type: wire.Headers, Flags: wire.FlagEndHeaders | wire.FlagEndStream, Stream: 1})
	m.Frame(wire.Recv, &wire.Frame{Type: wire.Headers, Flags: wire.FlagEndHeaders, Stream: 1})
	m.Frame(wire.Recv, &wire.Frame{Type: wire.Data, Flags: wire.FlagEndStream, Stream: 1, Length: 535})
	m.Frame(wire.Recv, &wire.Frame{Type: wire.Data, Stream: 1, Length: 1})

	got, ok := m.Last(1)
	want := State{Window{ConnSend: 65535, ConnRecv: 65000, StreamSend: 65535, StreamRecv: 65000, StreamKnown: true}, [2]int{1, 2}, 0}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("Last(1) = _, %v (-want +got):\n%s", ok, diff)
	}
	if send, recv := m.Conn(); send != 65535 || recv != 64999 {
		t.Errorf("Conn() = %d, %d, want 65535, 64999", send, recv)
	}
	if _, ok := m.Last(3); ok {
		t.Error("Last(3) of a stream that never was is known")
	}
}
