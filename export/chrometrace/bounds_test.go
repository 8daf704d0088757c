package chrometrace

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestMany converts more of everything than is kept.
func TestMany(t *testing.T) {
	var b strings.Builder
	for i := range 3 * maxLanes {
		at := int64(i)
		fmt.Fprintf(&b, `{"v":1,"ts":%s,"event":"request","pid":7,"conn":"c1","stream":%d}`+"\n", stamp(at), 2*i+1)
	}
	for i := range 2 * maxConns {
		fmt.Fprintf(&b, `{"v":1,"ts":%s,"event":"conn","pid":%d,"conn":"d%d","action":"open"}`+"\n", stamp(int64(i)), i, i)
	}
	for i := range 3 * maxLanes {
		b.WriteString(exchangeLine("c1", int64(2*i+1), int64(i), 10_000_000, 0, 0))
	}
	tr := New(io.Discard)
	for line := range strings.Lines(b.String()) {
		if _, err := tr.Take([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if n := tr.conns.lru.Len(); n > maxConns {
			t.Fatalf("%d connections are kept", n)
		}
		if c, ok := tr.conns.lru.Peek("c1"); ok && len(c.requests.list) > maxLanes {
			t.Fatalf("%d lanes are kept", len(c.requests.list))
		}
	}
	if err := tr.Close(); err != nil || tr.lanes != 0 || tr.streams != 0 {
		t.Errorf("at the end %d lanes and %d streams are kept, error %v", tr.lanes, tr.streams, err)
	}
	spans := make(map[string]int)
	for _, e := range converted(t, b.String()).Events {
		if e.Phase == "X" {
			spans[e.Category]++
		}
	}
	if spans["exchange"] < 3*maxLanes || spans["conn"] != 2*maxConns {
		t.Errorf("got %v", spans)
	}
}

// FuzzTrace demands a trace whose lanes do not overlap, of whatever is read.
func FuzzTrace(f *testing.F) {
	f.Add(exchangeLine("c1", 1, 5, 1, 2, 3) + exchangeLine("c1", 3, 4, 1, 2, 3))
	f.Add(`{"v":1,"ts":` + stamp(2000) + `,"event":"conn","pid":7,"comm":"\u001b\ud800","conn":"c1","action":"open","connect_ms":0.500,"tls_ms":1e300}` + "\n" +
		`{"v":1,"ts":` + stamp(1000) + `,"event":"conn","conn":"c1","action":"close","tls":{]}`)
	f.Add(`{"v":1,"ts":` + stamp(2000) + `,"event":"request","conn":"c1","stream":1,"url":"` + "\xff" + `"}` + "\n" +
		`{"v":1,"ts":` + stamp(1000) + `,"event":"frame","conn":"c1","stream":1,"type":"RST_STREAM","window":{"stream_recv":1}}` + "\n" +
		`{"v":1,"ts":` + stamp(3000) + `,"event":"stall","conn":"c1","stream":1,"start":` + stamp(9) + `,"stall_ms":-3}`)
	f.Add("[\n" + `{"name":"load","ph":"B","ts":1796039406056691.8,"pid":0,"tid":0}` + "\n" + `,{"name":"load","ph":"E","ts":1e2,"tid":-1,"id":3,"bp":"e"}` + "\n]")
	f.Add(`{"v":1,"ts":"9999-12-31T23:59:59.999999999Z","event":"process","pid":-7,"action":"exit","duration_ms":999999999999.999}` + "\n" +
		`{"v":1,"ts":"0001-01-01T00:00:00.000000000Z","event":"process","action":"lock","wait_ms":999999999999.999}`)
	f.Fuzz(func(t *testing.T, lines string) { converted(t, lines) })
}

func BenchmarkTrace(b *testing.B) {
	var lines []string
	for i := range 1000 {
		at := int64(i) * 100
		lines = append(lines, fmt.Sprintf(`{"v":1,"ts":%s,"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":%d,"type":"DATA","flags":[],"length":16384,`+
			`"data_length":16384,"window":{"conn_send":1048576,"conn_recv":%d,"stream_send":65535,"stream_recv":%d}}`+"\n", stamp(at), i|1, 1<<20-i, 1<<16-i))
		if i%8 == 0 {
			lines = append(lines, exchangeLine("c1", int64(i|1), at, 10, 30, 20))
		}
	}
	size := len(strings.Join(lines, ""))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		tr := New(io.Discard)
		for _, line := range lines {
			if _, err := tr.Take([]byte(line)); err != nil {
				b.Fatal(err)
			}
		}
		if err := tr.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
