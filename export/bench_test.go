package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export/text"
)

func benchFrames() []*decoder.Frame {
	window := decoder.Window{
		ConnSend: decoder.Credit{Bytes: 1048576, Known: true}, ConnRecv: decoder.Credit{Bytes: 1073741824, Known: true},
		StreamSend: decoder.Credit{Bytes: 65535, Known: true}, StreamRecv: decoder.Credit{Bytes: 4194304, Known: true},
	}
	return []*decoder.Frame{
		{Type: decoder.TypeHeaders, Flags: 0x5, StreamID: 4711, Length: 213, Window: window, BlockEnd: true, Headers: benchFields()},
		{Type: decoder.TypeData, Dir: decoder.Recv, StreamID: 4711, Length: 16384, DataLength: 16384, Window: window},
		{Type: decoder.TypeWindowUpdate, Length: 4, Increment: 16384, Window: window},
	}
}

const benchTime = 1_790_000_000_123_456_789

// BenchmarkFrame writes HEADERS with 12 fields, DATA and WINDOW_UPDATE in turn, by hand and
// with encoding/json. It reports the frames that one core writes per second, and the factor
// over encoding/json.
func BenchmarkFrame(b *testing.B) {
	frames := benchFrames()
	j := NewJSONL(io.Discard, Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m := Meta{Time: ktime.Time(benchTime + i*1000), PID: 4711, Comm: "go", Conn: "c17"}
		j.Frame(m, frames[i%len(frames)])
	}
	ours := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(time.Second/ours), "frames/s")
	b.StopTimer()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}

	const rounds = 30_000
	enc := json.NewEncoder(io.Discard)
	start := time.Now()
	for i := range rounds {
		if err := enc.Encode(plainFrame(benchTime+int64(i)*1000, frames[i%len(frames)])); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(start)/rounds)/float64(ours), "x-encoding/json")
}

// BenchmarkText writes the same frames as text, and as JSON. It reports the frames that one
// core writes as text per second, and how long that takes in proportion to JSON.
func BenchmarkText(b *testing.B) {
	frames := benchFrames()
	write := func(j *JSONL, i int) {
		j.Frame(Meta{Time: ktime.Time(benchTime + i*1000), PID: 4711, Comm: "go", Conn: "c17"}, frames[i%len(frames)])
	}
	lines := NewJSONL(io.Discard, Options{Format: text.New(text.Options{Color: true, Columns: func() int { return 120 }}).Append})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		write(lines, i)
	}
	ours := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(time.Second/ours), "frames/s")
	b.StopTimer()

	const rounds = 300_000
	plain := NewJSONL(io.Discard, Options{})
	start := time.Now()
	for i := range rounds {
		write(plain, i)
	}
	b.ReportMetric(float64(ours)/float64(time.Since(start)/rounds), "x-JSON")
	if err := errors.Join(lines.Close(), plain.Close()); err != nil {
		b.Fatal(err)
	}
}

// jsonFrame is the frame event for encoding/json, without redaction.
type jsonFrame struct {
	V          int         `json:"v"`
	TS         time.Time   `json:"ts"`
	Event      string      `json:"event"`
	PID        int         `json:"pid"`
	Comm       string      `json:"comm"`
	Conn       string      `json:"conn"`
	Dir        string      `json:"dir"`
	Stream     uint32      `json:"stream"`
	Type       string      `json:"type"`
	Flags      []string    `json:"flags"`
	Length     uint32      `json:"length"`
	DataLength *uint32     `json:"data_length,omitempty"`
	Headers    []jsonField `json:"headers,omitempty"`
	Increment  *uint32     `json:"increment,omitempty"`
	Window     jsonWindow  `json:"window"`
}

type jsonField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type jsonWindow struct {
	ConnSend   *int64 `json:"conn_send"`
	ConnRecv   *int64 `json:"conn_recv"`
	StreamSend *int64 `json:"stream_send"`
	StreamRecv *int64 `json:"stream_recv"`
}

func plainFrame(ns int64, f *decoder.Frame) *jsonFrame {
	w := &f.Window
	e := &jsonFrame{
		V: 1, TS: time.Unix(0, ns).UTC(), Event: "frame", PID: 4711, Comm: "go", Conn: "c17",
		Dir: f.Dir.String(), Stream: f.StreamID, Type: f.Type.String(), Flags: f.Flags.Names(f.Type), Length: f.Length,
		Window: jsonWindow{&w.ConnSend.Bytes, &w.ConnRecv.Bytes, &w.StreamSend.Bytes, &w.StreamRecv.Bytes},
	}
	for _, h := range f.Headers {
		e.Headers = append(e.Headers, jsonField{h.Name, h.Value})
	}
	switch f.Type {
	case decoder.TypeData:
		e.DataLength = &f.DataLength
	case decoder.TypeWindowUpdate:
		e.Increment = &f.Increment
	}
	return e
}

func TestFrameAllocates(t *testing.T) {
	frames := benchFrames()
	j := NewJSONL(io.Discard, Options{})
	m := Meta{Time: benchTime, PID: 4711, Comm: "go", Conn: "c17"}
	for _, f := range frames {
		if n := testing.AllocsPerRun(1000, func() { j.Frame(m, f) }); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", f.Type, n)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// benchFields is a request of a Go client to a module proxy, as a load balancer passes it
// on.
func benchFields() []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: ":authority", Value: "goproxy.example"},
		{Name: ":method", Value: "GET"},
		{Name: ":path", Value: "/github.com/google/go-cmp/@v/v0.7.0.zip?go-get=1"},
		{Name: ":scheme", Value: "https"},
		{Name: "accept-encoding", Value: "gzip"},
		{Name: "user-agent", Value: "Go-http-client/2.0"},
		{Name: "if-none-match", Value: `"4a1b-5f2c3d4e5f6a7"`},
		{Name: "cache-control", Value: "max-age=0"},
		{Name: "authorization", Value: "Bearer abcdefghijklmnopqrstuvwxyz0123456789"},
		{Name: "x-forwarded-for", Value: "192.0.2.17, 198.51.100.4"},
		{Name: "traceparent", Value: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{Name: "accept", Value: "*/*"},
	}
}

// BenchmarkFrameFresh writes HEADERS of requests and responses whose paths, dates and tags are new
// each time, so that no field of them is in the cache.
func BenchmarkFrameFresh(b *testing.B) {
	const requests = 4096
	var frames []*decoder.Frame
	for i := range requests {
		n := fmt.Sprintf("%08x", uint32(i)*2654435761)
		frames = append(frames, &decoder.Frame{Type: decoder.TypeHeaders, StreamID: 1, Length: 213, BlockEnd: true, Headers: []hpack.HeaderField{
			{Name: ":authority", Value: "goproxy.example"},
			{Name: ":method", Value: "GET"},
			{Name: ":scheme", Value: "https"},
			{Name: ":path", Value: "/github.com/google/go-cmp" + n + "/@v/v0.7.0-0.20250101000000-" + n + n[:4] + ".zip"},
			{Name: "accept-encoding", Value: "gzip"},
			{Name: "user-agent", Value: "Go-http-client/2.0"},
		}}, &decoder.Frame{Type: decoder.TypeHeaders, Dir: decoder.Recv, StreamID: 1, Length: 213, BlockEnd: true, Headers: []hpack.HeaderField{
			{Name: ":status", Value: "200"},
			{Name: "content-type", Value: "application/zip"},
			{Name: "cache-control", Value: "public, max-age=10800"},
			{Name: "etag", Value: `"` + n + n + `"`},
			{Name: "last-modified", Value: "Mon, 30 Nov 2026 18:53:" + n[:2] + " GMT"},
			{Name: "content-length", Value: "1234" + n},
			{Name: "x-request-id", Value: n + "-0aa5-4b3e-9d4c-1df3a07f7b1e"},
			{Name: "via", Value: "1.1 varnish"},
		}})
	}
	j := NewJSONL(io.Discard, Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		j.Frame(Meta{Time: ktime.Time(benchTime + i*1000), PID: 4711, Comm: "go", Conn: "c17"}, frames[i%len(frames)])
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
