package export

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

const unknownWindow = `"window":{"conn_send":null,"conn_recv":null,"stream_send":null,"stream_recv":null}`

func TestFrame(t *testing.T) {
	meta := Meta{Time: at, PID: 7, Comm: "go", Conn: "c1"}
	type fields = []hpack.HeaderField
	tests := []struct {
		name string
		opts Options
		in   decoder.Frame
		want string // between dir and window
	}{
		{
			"data",
			Options{},
			decoder.Frame{Type: decoder.TypeData, Flags: 0x9, StreamID: 1, Length: 10, DataLength: 5, Body: []byte("hello")},
			`"stream":1,"type":"DATA","flags":["END_STREAM","PADDED"],"length":10,"data_length":5`,
		},
		{
			"data with body",
			Options{Bodies: true},
			decoder.Frame{Type: decoder.TypeData, StreamID: 1, Length: 5, DataLength: 5, Body: []byte("a\"?token=b")},
			`"stream":1,"type":"DATA","flags":[],"length":5,"data_length":5,"body":"a\"?token=b"`,
		},
		{
			"data with empty body",
			Options{Bodies: true},
			decoder.Frame{Type: decoder.TypeData, Flags: 1, StreamID: 1},
			`"stream":1,"type":"DATA","flags":["END_STREAM"],"length":0,"data_length":0,"body":""`,
		},
		{
			"data with binary body",
			Options{Bodies: true},
			decoder.Frame{Type: decoder.TypeData, StreamID: 1, Length: 2, DataLength: 2, Body: []byte{0xff, 0}},
			`"stream":1,"type":"DATA","flags":[],"length":2,"data_length":2,"body_b64":"/wA="`,
		},
		{
			"headers",
			Options{},
			decoder.Frame{
				Type: decoder.TypeHeaders, Flags: 0x25, StreamID: 1, Length: 9, BlockEnd: true,
				Headers: fields{
					{Name: ":path", Value: "/a?token=b&c=d"},
					{Name: "authorization", Value: "Bearer x"},
					{Name: "x-any", Value: "y", Sensitive: true},
					{Name: "x-any", Value: ""},
				},
				HasPriority: true, Priority: decoder.Priority{DependsOn: 3, Weight: 256, Exclusive: true},
			},
			`"stream":1,"type":"HEADERS","flags":["END_STREAM","END_HEADERS","PRIORITY"],"length":9,"headers":[` +
				`{"name":":path","value":"/a?token=<redacted>&c=d"},{"name":"authorization","value":"<redacted>"},` +
				`{"name":"x-any","value":"<redacted>","never_indexed":true},{"name":"x-any","value":""}],` +
				`"priority":{"depends_on":3,"weight":256,"exclusive":true}`,
		},
		{
			"headers with secrets",
			Options{ShowSecrets: true},
			decoder.Frame{
				Type: decoder.TypeHeaders, Flags: 0x4, StreamID: 1, BlockEnd: true,
				Headers: fields{{Name: ":path", Value: "/a?token=b"}, {Name: "authorization", Value: "Bearer x", Sensitive: true}},
			},
			`"stream":1,"type":"HEADERS","flags":["END_HEADERS"],"length":0,"headers":[` +
				`{"name":":path","value":"/a?token=b"},{"name":"authorization","value":"Bearer x","never_indexed":true}]`,
		},
		{
			"headers that are not utf-8",
			Options{},
			decoder.Frame{
				Type: decoder.TypeHeaders, StreamID: 1, BlockEnd: true,
				Headers: fields{{Name: "a\xff", Value: "b\xfe"}, {Name: "url", Value: "\xfe?token=x"}},
			},
			`"stream":1,"type":"HEADERS","flags":[],"length":0,"headers":[` +
				"{\"name\":\"a\ufffd\",\"name_b64\":\"Yf8=\",\"value\":\"b\ufffd\",\"value_b64\":\"Yv4=\"}," +
				"{\"name\":\"url\",\"value\":\"\ufffd?token=<redacted>\",\"value_b64\":\"/j90b2tlbj08cmVkYWN0ZWQ+\"}]",
		},
		{
			"headers of an open block",
			Options{},
			decoder.Frame{Type: decoder.TypeHeaders, StreamID: 1, Length: 4},
			`"stream":1,"type":"HEADERS","flags":[],"length":4`,
		},
		{
			"a block that goes on",
			Options{},
			decoder.Frame{Type: decoder.TypeContinuation, StreamID: 1, Length: 4},
			`"stream":1,"type":"CONTINUATION","flags":[],"length":4`,
		},
		{
			"no headers in a complete block",
			Options{},
			decoder.Frame{Type: decoder.TypeContinuation, Flags: 4, StreamID: 1, BlockEnd: true},
			`"stream":1,"type":"CONTINUATION","flags":["END_HEADERS"],"length":0,"headers":[]`,
		},
		{
			"headers that cannot be decoded",
			Options{},
			decoder.Frame{Type: decoder.TypeHeaders, StreamID: 1, BlockEnd: true, HeadersError: "table unknown"},
			`"stream":1,"type":"HEADERS","flags":[],"length":0,"headers":null,"headers_error":"table unknown"`,
		},
		{
			"push promise too short",
			Options{},
			decoder.Frame{Type: decoder.TypePushPromise, StreamID: 1, Length: 3},
			`"stream":1,"type":"PUSH_PROMISE","flags":[],"length":3,"promised_stream":null`,
		},
		{
			"data whose padding was not seen",
			Options{},
			decoder.Frame{Type: decoder.TypeData, Flags: 8, StreamID: 1, Length: 9, PaddingUnknown: true},
			`"stream":1,"type":"DATA","flags":["PADDED"],"length":9,"data_length":null`,
		},
		{
			"settings ack with a payload",
			Options{},
			decoder.Frame{Type: decoder.TypeSettings, Flags: 1, Length: 6, Violation: &decoder.Violation{Code: decoder.FrameSizeError, Rule: "size"}},
			`"stream":0,"type":"SETTINGS","flags":["ACK"],"length":6,"settings":null,"ack":true`,
		},
		{
			"push promise",
			Options{},
			decoder.Frame{Type: decoder.TypePushPromise, Flags: 4, StreamID: 1, Length: 5, BlockEnd: true, PromisedID: 2},
			`"stream":1,"type":"PUSH_PROMISE","flags":["END_HEADERS"],"length":5,"headers":[],"promised_stream":2`,
		},
		{
			"priority",
			Options{},
			decoder.Frame{Type: decoder.TypePriority, StreamID: 3, Length: 5, HasPriority: true, Priority: decoder.Priority{Weight: 1}},
			`"stream":3,"type":"PRIORITY","flags":[],"length":5,"priority":{"depends_on":0,"weight":1,"exclusive":false}`,
		},
		{
			"rst_stream",
			Options{},
			decoder.Frame{Type: decoder.TypeRSTStream, StreamID: 3, Length: 4, ErrorCode: 8},
			`"stream":3,"type":"RST_STREAM","flags":[],"length":4,"error":"CANCEL","error_code":8`,
		},
		{
			"rst_stream without its code",
			Options{},
			decoder.Frame{Type: decoder.TypeRSTStream, StreamID: 3, Length: 3},
			`"stream":3,"type":"RST_STREAM","flags":[],"length":3,"error":null,"error_code":null`,
		},
		{
			"settings",
			Options{},
			decoder.Frame{Type: decoder.TypeSettings, Length: 18, Settings: []decoder.Setting{{ID: 4, Value: 4194304}, {ID: 2}, {ID: 0xff00, Value: 1<<32 - 1}}},
			`"stream":0,"type":"SETTINGS","flags":[],"length":18,` +
				`"settings":{"INITIAL_WINDOW_SIZE":4194304,"ENABLE_PUSH":0,"UNKNOWN_0xff00":4294967295},"ack":false`,
		},
		{
			"settings that repeat",
			Options{},
			decoder.Frame{Type: decoder.TypeSettings, Length: 18, Settings: []decoder.Setting{{ID: 4, Value: 1}, {ID: 2}, {ID: 4, Value: 2}}},
			`"stream":0,"type":"SETTINGS","flags":[],"length":18,"settings":{"ENABLE_PUSH":0,"INITIAL_WINDOW_SIZE":2},"settings_wire":[` +
				`{"name":"INITIAL_WINDOW_SIZE","value":1},{"name":"ENABLE_PUSH","value":0},{"name":"INITIAL_WINDOW_SIZE","value":2}],"ack":false`,
		},
		{
			"settings ack",
			Options{},
			decoder.Frame{Type: decoder.TypeSettings, Flags: 1},
			`"stream":0,"type":"SETTINGS","flags":["ACK"],"length":0,"settings":{},"ack":true`,
		},
		{
			"settings of a wrong length",
			Options{},
			decoder.Frame{Type: decoder.TypeSettings, Length: 7, Violation: &decoder.Violation{Code: decoder.FrameSizeError, Rule: "size"}},
			`"stream":0,"type":"SETTINGS","flags":[],"length":7,"settings":null,"ack":false`,
		},
		{
			"ping",
			Options{},
			decoder.Frame{Type: decoder.TypePing, Flags: 1, Length: 8, Opaque: [8]byte{0, 1, 2, 3, 4, 5, 6, 0xff}},
			`"stream":0,"type":"PING","flags":["ACK"],"length":8,"ack":true,"opaque":"00010203040506ff"`,
		},
		{
			"ping of a wrong length",
			Options{},
			decoder.Frame{Type: decoder.TypePing, Flags: 0x40, Length: 7},
			`"stream":0,"type":"PING","flags":["0x40"],"length":7,"ack":false,"opaque":null`,
		},
		{
			"goaway",
			Options{},
			decoder.Frame{
				Type: decoder.TypeGoAway, Length: 30, LastStreamID: 5, ErrorCode: 0xb,
				Debug: []byte("https://u:p@h.example/?sig=x\xff"),
			},
			`"stream":0,"type":"GOAWAY","flags":[],"length":30,"error":"ENHANCE_YOUR_CALM","error_code":11,"last_stream":5,` +
				`"debug":"https://<redacted>@h.example/?sig=<redacted>"`,
		},
		{
			"goaway with binary debug data",
			Options{},
			decoder.Frame{Type: decoder.TypeGoAway, Length: 9, Debug: []byte{0xff}},
			`"stream":0,"type":"GOAWAY","flags":[],"length":9,"error":"NO_ERROR","error_code":0,"last_stream":0,` +
				`"debug":"` + "\ufffd" + `","debug_b64":"/w=="`,
		},
		{
			"goaway too short",
			Options{},
			decoder.Frame{Type: decoder.TypeGoAway, Length: 7},
			`"stream":0,"type":"GOAWAY","flags":[],"length":7,"error":null,"error_code":null,"last_stream":null,"debug":null`,
		},
		{
			"window_update",
			Options{},
			decoder.Frame{Type: decoder.TypeWindowUpdate, Length: 4},
			`"stream":0,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":0`,
		},
		{
			"window_update without its increment",
			Options{},
			decoder.Frame{Type: decoder.TypeWindowUpdate, Length: 5},
			`"stream":0,"type":"WINDOW_UPDATE","flags":[],"length":5,"increment":null`,
		},
		{
			"priority_update",
			Options{},
			decoder.Frame{Type: decoder.TypePriorityUpdate, Length: 10, PrioritizedID: 1, FieldValue: []byte("u=1, i")},
			`"stream":0,"type":"PRIORITY_UPDATE","flags":[],"length":10,"prioritized_stream":1,"field_value":"u=1, i"`,
		},
		{
			"priority_update too short",
			Options{},
			decoder.Frame{Type: decoder.TypePriorityUpdate, Length: 3},
			`"stream":0,"type":"PRIORITY_UPDATE","flags":[],"length":3,"prioritized_stream":null,"field_value":null`,
		},
		{
			"altsvc",
			Options{},
			decoder.Frame{Type: decoder.TypeAltSvc, Length: 10, AltOrigin: []byte("https://a.example"), FieldValue: []byte(`h3=":443"; ma=60`)},
			`"stream":0,"type":"ALTSVC","flags":[],"length":10,"origin":"https://a.example","field_value":"h3=\":443\"; ma=60"`,
		},
		{
			"origin",
			Options{},
			decoder.Frame{Type: decoder.TypeOrigin, Length: 10, Origins: [][]byte{[]byte("https://a.example"), []byte("https://t@b.example")}},
			`"stream":0,"type":"ORIGIN","flags":[],"length":10,"origins":["https://a.example","https://<redacted>@b.example"]`,
		},
		{
			"origin that is not utf-8",
			Options{},
			decoder.Frame{Type: decoder.TypeOrigin, Length: 10, Origins: [][]byte{[]byte("a"), {0xff}}},
			`"stream":0,"type":"ORIGIN","flags":[],"length":10,"origins":["a","` + "\ufffd" + `"],"origins_b64":["YQ==","/w=="]`,
		},
		{
			"no origin",
			Options{},
			decoder.Frame{Type: decoder.TypeOrigin},
			`"stream":0,"type":"ORIGIN","flags":[],"length":0,"origins":[]`,
		},
		{
			"push_promise that cannot be decoded",
			Options{},
			decoder.Frame{Type: decoder.TypePushPromise, Flags: 0x4, StreamID: 1, Length: 9, PromisedID: 2, BlockEnd: true, HeadersError: "unknown table"},
			`"stream":1,"type":"PUSH_PROMISE","flags":["END_HEADERS"],"length":9,"headers":null,"headers_error":"unknown table","promised_stream":2`,
		},
		{
			"continuation that cannot be decoded",
			Options{},
			decoder.Frame{Type: decoder.TypeContinuation, Flags: 0x4, StreamID: 1, Length: 9, BlockEnd: true, HeadersError: "unknown table"},
			`"stream":1,"type":"CONTINUATION","flags":["END_HEADERS"],"length":9,"headers":null,"headers_error":"unknown table"`,
		},
		{
			"unknown type",
			Options{},
			decoder.Frame{Type: 0x2a, Flags: 0x81, StreamID: 1<<31 - 1, Length: 3},
			`"stream":2147483647,"type":"UNKNOWN_0x2a","flags":["0x1","0x80"],"length":3`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, tt.opts, func(j *JSONL) { j.Frame(meta, &tt.in) })
			tail := unknownWindow
			if tt.in.Violation != nil {
				tail += `,"violation":"` + tt.in.Violation.String() + `"`
			}
			want := `{"v":1,"ts":"` + atTime + `","event":"frame","pid":7,"comm":"go","conn":"c1","dir":"send",` + tt.want + "," + tail + "}"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFrameTail(t *testing.T) {
	known := func(n int64) decoder.Credit { return decoder.Credit{Bytes: n, Known: true} }
	f := decoder.Frame{
		Type: decoder.TypeData, Dir: decoder.Recv, StreamID: 1, Length: 5, DataLength: 5, Truncated: true,
		Window:    decoder.Window{ConnSend: known(0), ConnRecv: known(-5), StreamRecv: known(1<<31 - 1)},
		Violation: &decoder.Violation{Code: 3, Rule: `no "credit"`},
	}
	got := line(t, Options{}, func(j *JSONL) { j.Frame(Meta{Time: at, PID: 7, Conn: "c1"}, &f) })
	want := `{"v":1,"ts":"` + atTime + `","event":"frame","pid":7,"comm":null,"conn":"c1","dir":"recv",` +
		`"stream":1,"type":"DATA","flags":[],"length":5,"data_length":5,` +
		`"window":{"conn_send":0,"conn_recv":-5,"stream_send":null,"stream_recv":2147483647},` +
		`"truncated":true,"violation":"FLOW_CONTROL_ERROR: no \"credit\""}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTruncatedPayload checks that missing fields are not printed as zero.
func TestTruncatedPayload(t *testing.T) {
	tests := []struct {
		name string
		in   decoder.Frame
		want string
	}{
		{"priority", decoder.Frame{Type: decoder.TypePriority, Length: 5}, `"priority":null`},
		{"rst_stream", decoder.Frame{Type: decoder.TypeRSTStream, Length: 4}, `"error":null,"error_code":null`},
		{"settings", decoder.Frame{Type: decoder.TypeSettings, Length: 6}, `"settings":null,"ack":false`},
		{"ping", decoder.Frame{Type: decoder.TypePing, Length: 8}, `"ack":false,"opaque":null`},
		{"goaway", decoder.Frame{Type: decoder.TypeGoAway, Length: 20}, `"error":null,"error_code":null,"last_stream":null,"debug":null`},
		{
			"goaway cut in its debug data",
			decoder.Frame{Type: decoder.TypeGoAway, Length: 20, LastStreamID: 3, Debug: []byte{}},
			`"error":"NO_ERROR","error_code":0,"last_stream":3,"debug":""`,
		},
		{"push_promise", decoder.Frame{Type: decoder.TypePushPromise, Length: 20}, `"promised_stream":null`},
		{"priority_update", decoder.Frame{Type: decoder.TypePriorityUpdate, Length: 20}, `"prioritized_stream":null,"field_value":null`},
		{"altsvc", decoder.Frame{Type: decoder.TypeAltSvc, Length: 20}, `"origin":null,"field_value":null`},
		{"window_update", decoder.Frame{Type: decoder.TypeWindowUpdate, Length: 4}, `"increment":null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Truncated = true
			got := string(NewJSONL(nil, Options{}).enc.appendPayload(nil, &tt.in))
			if got != ","+tt.want {
				t.Errorf("got %s, want ,%s", got, tt.want)
			}
		})
	}
}
