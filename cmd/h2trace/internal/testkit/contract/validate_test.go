package contract

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

const (
	head    = `{"v":1,"ts":"2026-01-02T03:04:05.000000006Z","event":`
	onConn  = `,"pid":7,"comm":"go","conn":"c1"`
	window  = `,"window":{"conn_send":65535,"conn_recv":0,"stream_send":null,"stream_recv":-3}`
	summary = head + `"summary","duration_ms":1.500,"processes":1,"conns":1,"frames":2,"exchanges":null,` +
		`"records":{"seen":3,"delivered":2,"lost":1},"bytes":{"seen":9,"captured":9},"agent":{"cpu_ms":0.100,"max_rss_bytes":1},"command":null,"signal":null}`
)

func frameLineOf(middle string) string { return head + `"frame"` + onConn + middle + window + `}` }

func TestRead(t *testing.T) {
	frame := frameLineOf(`,"dir":"recv","stream":3,"type":"RST_STREAM","flags":[],"length":4,"error":"CANCEL","error_code":8`)
	settings := frameLineOf(`,"dir":"send","stream":0,"type":"SETTINGS","flags":[],"length":18,"settings":{"UNKNOWN_0x2a":1,"ENABLE_PUSH":0},` +
		`"settings_wire":[{"name":"ENABLE_PUSH","value":1},{"name":"UNKNOWN_0x2a","value":1},{"name":"ENABLE_PUSH","value":0}],"ack":false`)
	s, err := Read(strings.NewReader(frame + "\n" + settings + "\n" + summary + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []*wire.Frame{
		{Type: wire.RSTStream, Stream: 3, Length: 4, ErrorCode: 8},
		{Type: wire.Settings, Length: 18, Settings: []wire.Setting{{ID: 2, Value: 1}, {ID: 42, Value: 1}, {ID: 2, Value: 0}}},
	}
	var got []*wire.Frame
	for _, e := range s.Conns()[0].Frames {
		f, err := e.WireFrame()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if b, err := s.Summary.Balance(); err != nil || b != (Records{3, 2, 1}) {
		t.Errorf("Balance() = %v, %v, want {3 2 1}", b, err)
	}

	for name, in := range map[string]string{
		"no summary":       frame + "\n",
		"summary not last": summary + "\n" + frame + "\n",
		"half a line":      frame + "\n" + summary[:40],
	} {
		if _, err := Read(strings.NewReader(in)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestErrorNameMustFitItsCode(t *testing.T) {
	line := frameLineOf(`,"dir":"recv","stream":3,"type":"RST_STREAM","flags":[],"length":4,"error":"CANCEL","error_code":7`)
	s, err := Read(strings.NewReader(line + "\n" + summary + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Events[0].WireFrame(); err == nil {
		t.Error("accepted CANCEL with code 7")
	}
}
