package http2debug

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAttribute(t *testing.T) {
	const log = `http2: Framer 0xc01: wrote SETTINGS len=0
http2: Framer 0xc01: read HEADERS flags=END_STREAM stream=1 len=3
http2: decoded hpack field header field ":method" = "GET"
http2: server encoding header ":status" = "103"
http2: Framer 0xc01: read CONTINUATION flags=END_HEADERS stream=1 len=2
http2: Framer 0xc01: wrote HEADERS stream=9 len=9
http2: decoded hpack field header field ":path" = "/"
http2: Framer 0xc01: wrote CONTINUATION flags=END_HEADERS stream=9 len=9
http2: Framer 0xc01: read HEADERS flags=END_HEADERS stream=3 len=0
http2: server encoding header ":status" = "200"
http2: Framer 0xc01: wrote HEADERS flags=END_HEADERS stream=1 len=1
`
	l, err := Parse(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[int]string) // by line of the frame that ends the block
	for f, fields := range Attribute(l.Events, l.Conns[0]) {
		var list []string
		for _, x := range fields {
			list = append(list, x.Value)
		}
		got[f.Line] = strings.Join(list, " ")
	}
	want := map[int]string{5: "GET /", 8: "103", 9: "", 11: "200"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
