package schema

import (
	"strings"
	"testing"
)

const (
	head    = `{"v":1,"ts":"2026-01-02T03:04:05.000000006Z","event":`
	process = `,"pid":7,"comm":"go"`
	onConn  = process + `,"conn":"c1"`
	window  = `,"window":{"conn_send":65535,"conn_recv":0,"stream_send":null,"stream_recv":-3}`
	summary = head + `"summary","duration_ms":1.500,"processes":1,"conns":1,"frames":2,"exchanges":null,` +
		`"records":{"seen":3,"delivered":2,"lost":1},"bytes":{"seen":9,"captured":9},` +
		`"agent":{"cpu_ms":0.100,"max_rss_bytes":1},"command":7,"signal":null}`
)

func frameLineOf(middle string) string { return head + `"frame"` + onConn + middle + window + `}` }

func validator(t testing.TB) *Validator {
	t.Helper()
	v, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAccepts(t *testing.T) {
	v := validator(t)
	for _, line := range []string{
		frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":["END_HEADERS"],"length":3,"headers":[{"name":":path","value":"/"},{"name":"x","value":"\ufffd","value_b64":"/w==","never_indexed":true}]`),
		frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":[],"length":3,"headers":null,"headers_error":"unknown table"`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"SETTINGS","flags":[],"length":6,"settings":{"MAX_FRAME_SIZE":16384},"ack":false`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"PING","flags":["ACK"],"length":8,"ack":true,"opaque":"0001020304050607"`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"GOAWAY","flags":[],"length":8,"error":"NO_ERROR","error_code":0,"last_stream":0,"debug":""`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"UNKNOWN_0x2a","flags":["0x40"],"length":8`),
		head + `"frame"` + onConn + `,"dir":"recv","stream":0,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":null` + window + `,"truncated":true}`,
		head + `"conn"` + onConn + `,"action":"open","local":"127.0.0.1:5","remote":"[::1]:443","role":null,"protocol":"h2","joined":"start","tls":null,"dns_ms":null,"connect_ms":0.120,"tls_ms":null,"name":"a.example","via":null,"source":"wire"}`,
		head + `"loss","reason":"ring_full","records":4,"bytes":null}`,
		summary,
		strings.Replace(summary, `"signal":null}`, `"signal":"SIGINT","verify":{"blocks":2,"fields":9,"mismatches":0,"unchecked":1}}`, 1),
		strings.Replace(summary, `"signal":null}`, `"signal":"SIGINT","packets":{"written":2,"lost":1}}`, 1),
		head + `"verify"` + onConn + `,"dir":"recv","stream":1,"index":0,"want":{"name":":status","value":"200"},"got":null}`,
	} {
		if err := v.Line([]byte(line)); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
}

func TestRefuses(t *testing.T) {
	v := validator(t)
	tests := []struct{ name, line, want string }{
		{"no object", `[]`, "got array, want object"},
		{"nothing", "", "EOF"},
		{"null", "null", "got null, want object"},
		{"two on one line", summary + summary, "invalid character"},
		{"half a line", summary[:40], "EOF"},
		{"not UTF-8", "{\"v\":\"\xff\"}", "UTF-8"},
		{"event: value must be one of", head + `"surprise"}`, "event: value must be one of"},
		{"other version", strings.Replace(summary, `"v":1`, `"v":2`, 1), "v: value must be 1"},
		{"microseconds", strings.Replace(summary, `05.000000006Z`, `05.000006Z`, 1), "ts: "},
		{"time zone", strings.Replace(summary, `06Z`, `06+01:00`, 1), "ts: "},
		{"two decimals", strings.Replace(summary, `1.500`, `1.50`, 1), "three decimals"},
		{"negative duration", strings.Replace(summary, `1.500`, `-1.500`, 1), "duration_ms: minimum: got -1.5, want 0"},
		{"order", strings.Replace(summary, `"processes":1,"conns":1`, `"conns":1,"processes":1`, 1), `key "processes" after "conns"`},
		{"missing key", strings.Replace(summary, `"frames":2,`, ``, 1), `missing property 'frames'`},
		{"missing last key", strings.Replace(summary, `,"max_rss_bytes":1`, ``, 1), "missing property 'max_rss_bytes'"},
		{"extra key", strings.Replace(summary, `"frames":2,`, `"frames":2,"more":1,`, 1), `key "more" is not in the schema`},
		{"key twice", strings.Replace(summary, `"frames":2,`, `"frames":2,"frames":2,`, 1), "twice"},
		{"no window", head + `"frame"` + onConn + `,"dir":"send","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0}`, `missing property 'window'`},
		{"direction", frameLineOf(`,"dir":"sent","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0`), "dir: value must be one of 'send', 'recv'"},
		{"null flags", frameLineOf(`,"dir":"send","stream":1,"type":"DATA","flags":null,"length":0,"data_length":0`), "flags: got null, want array"},
		{"null increment on a good frame", frameLineOf(`,"dir":"send","stream":1,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":null`), "increment: got null, want integer"},
		{"conn: ", strings.Replace(frameLineOf(`,"dir":"send","stream":1,"type":"DATA","flags":[],"length":0,"data_length":0`), "c1", "1", 1), "conn: "},
		{"bytes of another key", strings.Replace(summary, `"frames":2,`, `"frames":2,"conns_b64":"YQ==",`, 1), `key "conns_b64" after "frames"`},
		{"bytes that are not base64", strings.Replace(summary, `"signal":null`, `"signal":"SIGx","signal_b64":"?"`, 1), "base64"},
		{"key of another type", frameLineOf(`,"dir":"send","stream":1,"type":"PING","flags":[],"length":8,"ack":false,"opaque":"0001020304050607","increment":1`), `key "increment" is not in the schema`},
		{"key of another action", head + `"process"` + process + `,"action":"exec","ppid":1,"exe":null,"exit_code":0}`, `key "exit_code" is not in the schema`},
		{"headers without a reason", frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":[],"length":3,"headers":null`), "missing property 'headers_error'"},
		{"setting", frameLineOf(`,"dir":"recv","stream":0,"type":"SETTINGS","flags":[],"length":6,"settings":{"MAX_FRAMES":1},"ack":false`), "does not match pattern"},
		{"no process", head + `"stall","comm":"go","conn":"c1"}`, "missing property 'pid'"},
		{"endpoint", head + `"conn"` + onConn + `,"action":"open","local":"localhost:5"}`, "local: "},
		{"no such address", head + `"conn"` + onConn + `,"action":"open","local":"999.1.1.1:1"}`, "local: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := v.Line([]byte(tt.line))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q: %s", err, tt.want, tt.line)
			}
		})
	}
}
