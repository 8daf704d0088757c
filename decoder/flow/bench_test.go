package flow_test

import (
	"bytes"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/flow"
)

// BenchmarkPackets decodes the packets of a connection over TLS 1.3, again and again: the
// handshake, four requests and 29 frames, from segments on.
func BenchmarkPackets(b *testing.B) {
	list, secrets := packets(b, "testdata/requests.pcapng")
	var size, frames int
	for _, p := range list {
		size += len(p.Data)
	}
	table := flow.New(flow.Config{Open: func(*flow.Conn) (h flow.Hooks) {
		h.Frame = func(*decoder.Frame) { frames++ }
		return h
	}})
	if _, err := table.KeyLog(bytes.NewReader(secrets)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, p := range list {
			table.Packet(p)
		}
	}
	table.Close()
	if frames == 0 {
		b.Fatal("no frames")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames), "ns/frame")
}
