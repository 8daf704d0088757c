//go:build linux

package trace

import (
	"crypto/tls"
	"io"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
)

// BenchmarkWire takes a connection of net/http from its segments to its events. The
// kernel is not in it, nor is the reading of the ring buffer.
func BenchmarkWire(b *testing.B) {
	for _, bm := range []struct {
		name     string
		path     string // the body is a thousand times as long
		requests int
	}{
		{"1kB", "/", 1000},
		{"1MB", "/" + strings.Repeat("x", 999), 20},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f := fetch(b, slices.Repeat([]string{bm.path}, bm.requests), func(*tls.Config) {})
			var size int64
			for i := range f.segments {
				size += int64(len(f.segments[i].Payload))
			}
			b.SetBytes(size)
			b.ReportAllocs()
			var frames uint64
			for b.Loop() {
				frames = f.replay(b)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(frames), "ns/frame")
		})
	}
}

// replay gives the connection to a new table, and returns the number of frames.
func (f *fetched) replay(b *testing.B) uint64 {
	table := newTestTable(b, io.Discard)
	openFetched(table, bpf.RoleClient)
	f.tell(table)
	for i := range f.segments {
		f.give(table, i)
		if err := table.send(); err != nil {
			b.Fatal(err)
		}
	}
	if table.frames == 0 || table.exchanges.count == 0 {
		b.Fatalf("got %d frames and %d exchanges", table.frames, table.exchanges.count)
	}
	return table.frames
}
