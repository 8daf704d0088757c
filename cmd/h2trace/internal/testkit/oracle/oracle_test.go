package oracle

import (
	"fmt"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
)

// request is one request line of the trace on a connection.
func request(conn, path string) *contract.Event {
	return &contract.Event{Event: "frame", Conn: conn, FrameKeys: contract.FrameKeys{
		Dir: "send", Type: "HEADERS", Flags: []string{"END_STREAM", "END_HEADERS"}, Stream: 1, Length: 5,
		Headers: []contract.Header{{Name: ":method", Value: "GET"}, {Name: ":path", Value: path}},
	}}
}

func logOf(t *testing.T, lines ...string) *http2debug.Log {
	t.Helper()
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("2026/01/02 03:04:05 http2: " + l + "\n")
	}
	l, err := http2debug.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func encoding(name, value string) string {
	return fmt.Sprintf("Transport encoding header %q = %q", name, value)
}

const wrote = "Framer 0xc0%d: wrote HEADERS flags=END_STREAM|END_HEADERS stream=1 len=5"

func TestHeadersOfTwoConnectionsAtOnce(t *testing.T) {
	trace := func() []*contract.Conn {
		s := contract.Stream{Events: []*contract.Event{request("c1", "/a"), request("c2", "/b")}}
		return s.Conns()
	}
	one, two := fmt.Sprintf(wrote, 1), fmt.Sprintf(wrote, 2)
	get, a, b := encoding(":method", "GET"), encoding(":path", "/a"), encoding(":path", "/b")
	tests := []struct {
		name string
		log  []string
		want string // part of the error, or empty
	}{
		{"one after the other", []string{get, a, one, get, b, two}, ""},
		{"interleaved", []string{get, get, b, a, one, two}, ""},
		{"a field missing", []string{get, one, get, b, two}, "has 1 of its 2 fields"},
		{"a field changed", []string{get, encoding(":path", "/x"), one, get, b, two}, `goes on with ":path" = "/x"`},
		{"a field of the wrong block", []string{get, a, one, get, a, two}, "no block of the trace goes on"},
		{"an additional field", []string{get, a, one, get, b, get, two}, "no block of the trace goes on"},
		{"order within a block", []string{a, get, one, get, b, two}, "no block of the trace goes on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := logOf(t, tt.log...)
			pairs, err := Match(trace(), log, Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = CheckHeaders(pairs, log)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	ping := func(dir string) *contract.Event {
		return &contract.Event{Event: "frame", Conn: "c1", FrameKeys: contract.FrameKeys{
			Dir: dir, Type: "PING", Length: 8, Opaque: "6162636465666768",
		}}
	}
	const sent = `Framer 0xc01: wrote PING len=8 ping="abcdefgh"`
	const read = `Framer 0xc01: read PING len=8 ping="abcdefgh"`
	tests := []struct {
		name  string
		trace []*contract.Event
		log   []string
		opt   Options
		want  string
	}{
		{"equal in another order of directions", []*contract.Event{ping("send"), ping("recv")}, []string{read, sent}, Options{}, ""},
		{"different payload", []*contract.Event{ping("send")}, []string{strings.Replace(sent, "abc", "xyz", 1)}, Options{}, "send frame 0 differs"},
		{"one frame too few", []*contract.Event{ping("send")}, []string{sent, sent}, Options{}, "send frame 1 differs (trace has 1, log has 2)"},
		{"written and logged but not sent at exit", []*contract.Event{ping("send")}, []string{sent, sent}, Options{Tail: true}, ""},
		{"received but not yet logged at exit", []*contract.Event{ping("recv"), ping("recv")}, []string{read}, Options{Tail: true}, ""},
		{"sent and never logged", []*contract.Event{ping("send"), ping("send")}, []string{sent}, Options{Tail: true}, "send frame 1 differs"},
		{"logged and never received", []*contract.Event{ping("recv")}, []string{read, read}, Options{Tail: true}, "recv frame 1 differs"},
		{"number of connections", nil, []string{sent}, Options{}, "0 connections"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := contract.Stream{Events: tt.trace}
			_, err := Match(s.Conns(), logOf(t, tt.log...), tt.opt)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWindowsMustEqualTheModel(t *testing.T) {
	e := request("c1", "/")
	full := int64(65535)
	e.Window = contract.Window{ConnSend: &full, ConnRecv: &full, StreamSend: &full, StreamRecv: &full}
	s := contract.Stream{Events: []*contract.Event{e}}
	if err := CheckWindows(s.Conns()[0]); err != nil {
		t.Error(err)
	}
	e.Window.StreamRecv = nil
	if err := CheckWindows(s.Conns()[0]); err == nil {
		t.Error("accepted null for a window that is known")
	}
}
