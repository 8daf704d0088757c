package http2debug

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

const stamp = "2026/01/02 03:04:05 "

func TestParseFrame(t *testing.T) {
	tests := []struct {
		name, line string
		want       Frame
	}{
		{
			"settings", `wrote SETTINGS len=18, settings: ENABLE_PUSH=0, INITIAL_WINDOW_SIZE=4194304, UNKNOWN_SETTING_42=7`,
			Frame{Dir: wire.Send, Frame: wire.Frame{
				Type: wire.Settings, Length: 18,
				Settings: []wire.Setting{{ID: 2, Value: 0}, {ID: 4, Value: 4194304}, {ID: 42, Value: 7}},
			}},
		},
		{
			"settings ack", `read SETTINGS flags=ACK len=0`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.Settings, Flags: 1}},
		},
		{
			"headers", `wrote HEADERS flags=END_STREAM|END_HEADERS stream=1 len=51`,
			Frame{Dir: wire.Send, Frame: wire.Frame{Type: wire.Headers, Flags: 5, Stream: 1, Length: 51}},
		},
		{
			"unnamed flags", `read CONTINUATION flags=END_HEADERS|0x40 stream=3 len=9`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.Continuation, Flags: 0x44, Stream: 3, Length: 9}},
		},
		{
			"data", `read DATA flags=END_STREAM stream=1 len=300 data="ab\x00 (9 bytes omitted)" (279 bytes omitted)`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.Data, Flags: 1, Stream: 1, Length: 300, DataLength: 300}},
		},
		{
			"padded data", `read DATA flags=PADDED stream=1 len=8 data="abc"`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.Data, Flags: 8, Stream: 1, Length: 8, DataLength: 3}},
		},
		{
			"window update", `wrote WINDOW_UPDATE stream=5 len=4 incr=8192`,
			Frame{Dir: wire.Send, Frame: wire.Frame{Type: wire.WindowUpdate, Stream: 5, Length: 4, Increment: 8192}},
		},
		{
			"window update of the connection", `read WINDOW_UPDATE len=4 (conn) incr=983041`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.WindowUpdate, Length: 4, Increment: 983041}},
		},
		{
			"ping", `wrote PING flags=ACK len=8 ping="\x00\x01abc\"\xff "`,
			Frame{Dir: wire.Send, Frame: wire.Frame{
				Type: wire.Ping, Flags: 1, Length: 8,
				Opaque: [8]byte{0, 1, 'a', 'b', 'c', '"', 0xff, ' '},
			}},
		},
		{
			"goaway", `read GOAWAY len=22 LastStreamID=7 ErrCode=ENHANCE_YOUR_CALM Debug="too_many_pings"`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.GoAway, Length: 22, LastStream: 7, ErrorCode: 11, Debug: "too_many_pings"}},
		},
		{
			"goaway with an unknown code", `read GOAWAY len=8 LastStreamID=0 ErrCode=unknown error code 0x2a Debug=""`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: wire.GoAway, Length: 8, ErrorCode: 42}},
		},
		{
			"reset", `wrote RST_STREAM stream=3 len=4 ErrCode=CANCEL`,
			Frame{Dir: wire.Send, Frame: wire.Frame{Type: wire.RSTStream, Stream: 3, Length: 4, ErrorCode: 8}},
		},
		{
			"unknown type", `read UNKNOWN_FRAME_TYPE_42 stream=1 len=3`,
			Frame{Dir: wire.Recv, Frame: wire.Frame{Type: 42, Stream: 1, Length: 3}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(strings.NewReader(stamp + "http2: Framer 0xc00013a000: " + tt.line + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Line = 1
			if diff := cmp.Diff(&tt.want, l.Conns[0].Frames[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		`Framer 0xc0: failed to decode just-written frame`,
		`Framer 0xc0: read DATA stream=1 len=300 data="abc"`,
		`Framer 0xc0: read DATA stream=1 len=3 data="ab`,
		`Framer 0xc0: read NONSENSE stream=1 len=3`,
		`Framer 0xc0: read HEADERS flags=LOUD stream=1 len=3`,
		`Framer 0xc0: read RST_STREAM stream=1 len=4 ErrCode=TIRED`,
		`Framer 0xc0: read SETTINGS len=6, settings: ENABLE_PUSH=x`,
		`Framer 0xc0: read PING len=8 ping="short"`,
		`Framer 0xc0: read HEADERS stream=1 len=3 surprise`,
		`Transport encoding header ":path" = "/`,
		`decoded hpack field header field "a" = "b" (insensitive)`,
	} {
		if _, err := Parse(strings.NewReader(stamp + "http2: " + line + "\n")); err == nil {
			t.Errorf("accepted %s", line)
		}
	}
	if _, err := Parse(strings.NewReader("go: half a linehttp2: Framer 0xc0: wrote SETTINGS len=0\n")); err == nil {
		t.Error("dropped a frame behind other output")
	}
}

func TestParseMixedOutput(t *testing.T) {
	const log = `go: downloading example.test/m v1.0.0
half a line ` + stamp + `http2: Framer 0xc01: wrote SETTINGS len=0
` + stamp + `http2: Transport creating client conn 0xc02 to 127.0.0.1:443
http2: Transport encoding header ":path" = "/http2: Framer 0xc09: wrote PING"
` + stamp + `http2: Framer 0xc01: wrote HEADERS flags=END_HEADERS stream=1 len=3
` + stamp + `http2: Framer 0xc01: read SETTINGS flags=ACK len=0
` + stamp + `http2: decoded hpack field header field "set-cookie" = "a=\"b\"" (sensitive)
` + stamp + `http2: server encoding header ":status" = "200"
` + stamp + `http2: Framer 0xc01: wrote SETTINGS len=0
` + stamp + `http2: Framer 0xc01: read HEADERS stream=1 len=3
`
	l, err := Parse(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Conns) != 2 || len(l.Conns[0].Frames) != 3 || len(l.Conns[1].Frames) != 2 {
		t.Errorf("the second SETTINGS did not start a second connection: %+v", l.Conns)
	}
	if !l.Conns[0].Client() || l.Conns[1].Client() {
		t.Error("roles are wrong")
	}
	var fields []Field
	for _, e := range l.Events {
		if e.Field != nil {
			fields = append(fields, *e.Field)
		}
	}
	want := []Field{
		{Field: wire.Field{Name: ":path", Value: "/http2: Framer 0xc09: wrote PING"}, Kind: ClientEncoding},
		{Field: wire.Field{Name: "set-cookie", Value: `a="b"`}, Kind: Decoded, Sensitive: true},
		{Field: wire.Field{Name: ":status", Value: "200"}, Kind: ServerEncoding},
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
