package decoder

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// discard is a Sink that only counts.
type discard struct{ frames int }

func (d *discard) Protocol(ktime.Time, Protocol, bool) {}
func (d *discard) Resync(ktime.Time, Direction, int64) {}
func (d *discard) Frame(*Frame)                        { d.frames++ }

// opened returns a client's Conn after the handshake.
func opened(sink Sink) *Conn {
	c := NewConn(Config{Role: Client, FromStart: true}, sink)
	for _, in := range handshake() {
		c.Data(in.at, in.dir, in.data)
	}
	return c
}

// requestBlock is the request of a module download, as Go's encoder writes it.
func requestBlock(enc *hpack.Encoder, n int) {
	for _, f := range []hpack.HeaderField{
		{Name: ":authority", Value: "goproxy.example"},
		{Name: ":method", Value: "GET"},
		{Name: ":path", Value: fmt.Sprintf("/example.com/module%d/@v/v1.2.%d.zip", n%100, n)},
		{Name: ":scheme", Value: "https"},
		{Name: "accept-encoding", Value: "gzip"},
		{Name: "user-agent", Value: "Go-http-client/2.0"},
	} {
		if err := enc.WriteField(f); err != nil {
			panic(err)
		}
	}
}

// BenchmarkData decodes DATA frames with the WINDOW_UPDATE frames that they cause. Their
// payloads are left out, as those that TLS does not decrypt.
func BenchmarkData(b *testing.B) {
	sink := &discard{}
	c := opened(sink)
	c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82}))
	header := wire(TypeData, 0, 1, make([]byte, 16384))[:frameHeaderLen]
	updates := append(windowUpdate(0, 16384), windowUpdate(1, 16384)...)
	b.ReportAllocs()
	sink.frames = 0
	for b.Loop() {
		c.Data(5, Recv, header)
		c.Skip(5, Recv, 16384)
		c.Data(6, Send, updates)
	}
	perFrame(b, sink.frames)
}

// BenchmarkDataBytes decodes DATA frames with their payloads, in pieces of 4 kB, as Go's
// transport reads them.
func BenchmarkDataBytes(b *testing.B) {
	sink := &discard{}
	c := opened(sink)
	c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82}))
	frame := wire(TypeData, 0, 1, make([]byte, 16384))
	update := append(windowUpdate(0, 16384), windowUpdate(1, 16384)...)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	sink.frames = 0
	for b.Loop() {
		for rest := frame; len(rest) > 0; {
			n := min(4096, len(rest))
			c.Data(5, Recv, rest[:n])
			rest = rest[n:]
		}
		c.Data(6, Send, update)
	}
	perFrame(b, sink.frames)
}

// BenchmarkRequests decodes whole exchanges of 100 bytes: HEADERS, HEADERS,
// DATA, with ten header fields in all.
func BenchmarkRequests(b *testing.B) {
	const n = 2000
	var sends, recvs [][]byte
	var block strings.Builder
	request, response := hpack.NewEncoder(&block), hpack.NewEncoder(&block)
	for i := range n {
		id := uint32(2*i + 1)
		block.Reset()
		requestBlock(request, i)
		sends = append(sends, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte(block.String())))
		block.Reset()
		for _, f := range []hpack.HeaderField{
			{Name: ":status", Value: "200"},
			{Name: "content-type", Value: "application/zip"},
			{Name: "content-length", Value: "100"},
			{Name: "date", Value: fmt.Sprintf("Mon, 21 Oct 2030 20:%02d:%02d GMT", i/60%60, i%60)},
		} {
			if err := response.WriteField(f); err != nil {
				b.Fatal(err)
			}
		}
		recv := wire(TypeHeaders, FlagEndHeaders, id, []byte(block.String()))
		recvs = append(recvs, append(recv, wire(TypeData, FlagEndStream, id, make([]byte, 100))...))
	}
	sink := &discard{}
	b.ReportAllocs()
	for b.Loop() {
		c := opened(sink)
		for i := range sends {
			c.Data(5, Send, sends[i])
			c.Data(6, Recv, recvs[i])
		}
	}
	perFrame(b, sink.frames)
}

func perFrame(b *testing.B, frames int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames), "ns/frame")
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkMemory holds 1,000 connections with 10 open streams each and full header tables.
// It reports their memory.
func BenchmarkMemory(b *testing.B) {
	const conns, streams = 1000, 10
	for b.Loop() {
		base := heapSize()
		held := make([]*Conn, conns)
		var block strings.Builder
		for i := range held {
			c := opened(&discard{})
			enc := hpack.NewEncoder(&block)
			for n := range 60 { // closed streams, which fill the tables
				id := uint32(2*n + 1)
				block.Reset()
				requestBlock(enc, 100*i+n)
				c.Data(5, Send, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte(block.String())))
				c.Data(6, Recv, wire(TypeHeaders, FlagEndHeaders|FlagEndStream, id, []byte{0x88}))
			}
			held[i] = c
		}
		withTables := heapSize()
		for _, c := range held {
			for n := range streams {
				c.Data(7, Send, wire(TypeHeaders, FlagEndHeaders, uint32(2*n+1001), []byte{0x82}))
			}
		}
		withStreams := heapSize()
		b.ReportMetric(float64(withTables-base)/conns, "B/conn")
		b.ReportMetric(float64(withStreams-withTables)/(conns*streams), "B/stream")
		b.ReportMetric(float64(rss(b))/(1<<20), "RSS-MB")
		runtime.KeepAlive(held)
	}
}

func heapSize() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// rss returns the resident set of the process in bytes, or 0 without /proc.
func rss(b *testing.B) uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}
