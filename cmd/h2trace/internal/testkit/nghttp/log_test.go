package nghttp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

const said = `IPv4: listen 127.0.0.1:8080
[id=1] [  1.002] send SETTINGS frame <length=12, flags=0x00, stream_id=0>
          (niv=2)
          [SETTINGS_MAX_CONCURRENT_STREAMS(0x03):100]
          [SETTINGS_INITIAL_WINDOW_SIZE(0x04):65535]
[id=2] [  1.002] recv SETTINGS frame <length=0, flags=0x01, stream_id=0>
          ; ACK
          (niv=0)
[id=1] [  1.003] recv (stream_id=1) :method: GET
[id=1] [  1.003] recv (stream_id=1, sensitive) x-empty: 
[id=1] [  1.003] recv HEADERS frame <length=36, flags=0x25, stream_id=1>
          ; END_STREAM | END_HEADERS | PRIORITY
          (padlen=0, dep_stream_id=11, weight=16, exclusive=1)
          ; Open new stream
[id=1] [  1.004] send HEADERS frame <length=69, flags=0x04, stream_id=1>
          ; END_HEADERS
          (padlen=0)
          ; First response header
          :status: 404
          x-time: 10:20: 30
[id=1] [  1.004] send DATA frame <length=148, flags=0x01, stream_id=1>
          ; END_STREAM
          what the body begins with
[id=1] [ 10.005] stream_id=1 closed
          nobody's
[id=1] [ 10.006] recv WINDOW_UPDATE frame <length=4, flags=0x00, stream_id=0>
          (window_size_increment=983041)
[id=1] [ 10.006] recv RST_STREAM frame <length=4, flags=0x00, stream_id=3>
          (error_code=CANCEL(0x08))
[id=1] [ 10.006] recv PING frame <length=8, flags=0x00, stream_id=0>
          (opaque_data=0102030405060708)
[id=1] [ 10.007] send GOAWAY frame <length=10, flags=0x00, stream_id=0>
          (last_stream_id=1, error_code=NO_ERROR(0x00), opaque_data(2)=[hi])
`

func TestParse(t *testing.T) {
	conns, err := Parse(strings.NewReader(strings.ReplaceAll(said, detail+"what the body begins with\n", "")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, c := range conns {
		for _, f := range c.Frames {
			s := string(rune('1'+i)) + " " + f.Dir.String() + " " + f.String()
			for _, h := range f.Fields {
				s += " " + h.String()
			}
			if p := f.Priority; p != nil && *p == (Priority{11, 16, true}) {
				s += " priority"
			}
			got = append(got, s)
		}
	}
	want := []string{
		`1 send SETTINGS flags=- stream=0 len=12 MAX_CONCURRENT_STREAMS=100 INITIAL_WINDOW_SIZE=65535`,
		`1 recv HEADERS flags=END_STREAM|END_HEADERS|PRIORITY stream=1 len=36 ":method" = "GET" "x-empty" = "" priority`,
		`1 send HEADERS flags=END_HEADERS stream=1 len=69 ":status" = "404" "x-time" = "10:20: 30"`,
		`1 send DATA flags=END_STREAM stream=1 len=148 data=148`,
		`1 recv WINDOW_UPDATE flags=- stream=0 len=4 incr=983041`,
		`1 recv RST_STREAM flags=- stream=3 len=4 err=CANCEL`,
		`1 recv PING flags=- stream=0 len=8 opaque=0102030405060708`,
		`1 send GOAWAY flags=- stream=0 len=10 last=1 err=NO_ERROR debug="hi"`,
		`2 recv SETTINGS flags=ACK stream=0 len=0`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if conns[0].Frames[0].Type != wire.Settings || conns[0].Frames[0].Line != 2 {
		t.Errorf("the first frame is %+v", conns[0].Frames[0])
	}
}

// TestParseUnknown has unknown lines in the log.
func TestParseUnknown(t *testing.T) {
	for _, s := range []string{
		said, // with a body
		"[  0.001] recv WHAT frame <length=0, flags=0x01, stream_id=0>\n",
		"[  0.001] recv DATA frame <length=10, flags=0x08, stream_id=1>\n",
		"[  0.001] recv SETTINGS frame <length=-1>\n",
		"[  0.001] recv PING frame <length=8, flags=0x00, stream_id=0>\n          (opaque=1)\n",
	} {
		if _, err := Parse(strings.NewReader(s)); err == nil {
			t.Errorf("no error for %.60q", s)
		}
	}
}
