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
		`"records":{"seen":3,"delivered":2,"lost":1},"bytes":{"seen":9,"captured":9},"agent":{"cpu_ms":0.100,"max_rss_bytes":1}}`
)

func frameLineOf(middle string) string { return head + `"frame"` + onConn + middle + window + `}` }

func TestValidateAccepts(t *testing.T) {
	for _, line := range []string{
		frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":["END_HEADERS"],"length":3,"headers":[{"name":":path","value":"/"},{"name":"x","value":"\ufffd","value_b64":"/w==","never_indexed":true}]`),
		frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":[],"length":3,"headers":null,"headers_error":"unknown table"`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"SETTINGS","flags":[],"length":6,"settings":{"MAX_FRAME_SIZE":16384},"ack":false`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"PING","flags":["ACK"],"length":8,"ack":true,"opaque":"0001020304050607"`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"GOAWAY","flags":[],"length":8,"error":"NO_ERROR","error_code":0,"last_stream":0,"debug":""`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"UNKNOWN_0x2a","flags":["0x40"],"length":8`),
		head + `"frame"` + onConn + `,"dir":"recv","stream":0,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":null` + window + `,"truncated":true}`,
		head + `"conn"` + onConn + `,"action":"open","local":"127.0.0.1:5","remote":"[::1]:443","role":null,"protocol":"h2","joined":"start","tls":null,"dns_ms":null,"connect_ms":0.120}`,
		head + `"loss","reason":"ring_full","records":4,"bytes":null}`,
		summary,
		strings.Replace(summary, `}}`, `},"verify":{"blocks":2,"fields":9,"mismatches":0,"unchecked":1}}`, 1),
		strings.Replace(summary, `}}`, `},"packets":{"written":2,"lost":1}}`, 1),
		head + `"verify"` + onConn + `,"dir":"recv","stream":1,"index":0,"want":{"name":":status","value":"200"},"got":null}`,
	} {
		if err := validate([]byte(line)); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"no object", `[]`, "cannot unmarshal"},
		{"not UTF-8", "{\"v\":\"\xff\"}", "UTF-8"},
		{"unknown event", head + `"surprise"}`, "unknown event"},
		{"other version", strings.Replace(summary, `"v":1`, `"v":2`, 1), "schema version"},
		{"microseconds", strings.Replace(summary, `05.000000006Z`, `05.000006Z`, 1), "nanoseconds"},
		{"time zone", strings.Replace(summary, `06Z`, `06+01:00`, 1), "UTC"},
		{"two decimals", strings.Replace(summary, `1.500`, `1.50`, 1), "three decimals"},
		{"negative duration", strings.Replace(summary, `1.500`, `-1.500`, 1), "duration"},
		{"order", strings.Replace(summary, `"processes":1,"conns":1`, `"conns":1,"processes":1`, 1), `"processes" is due`},
		{"missing key", strings.Replace(summary, `"frames":2,`, ``, 1), `"frames" is due`},
		{"missing last key", strings.Replace(summary, `,"max_rss_bytes":1`, ``, 1), "no key"},
		{"extra key", strings.Replace(summary, `"frames":2,`, `"frames":2,"more":1,`, 1), `key "more"`},
		{"key twice", strings.Replace(summary, `"frames":2,`, `"frames":2,"frames":2,`, 1), "twice"},
		{"no window", head + `"frame"` + onConn + `,"dir":"send","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0}`, `"window"`},
		{"direction", frameLineOf(`,"dir":"sent","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0`), "none of send, recv"},
		{"null flags", frameLineOf(`,"dir":"send","stream":1,"type":"DATA","flags":null,"length":0,"data_length":0`), "array"},
		{"null increment on a good frame", frameLineOf(`,"dir":"send","stream":1,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":null`), "count"},
		{"connection id", strings.Replace(frameLineOf(`,"dir":"send","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0`), "c1", "1", 1), "connection id"},
		{"endpoint", head + `"conn"` + onConn + `,"action":"open","local":"localhost:5"}`, "local"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := validate([]byte(tt.line))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q: %s", err, tt.want, tt.line)
			}
		})
	}
}

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
