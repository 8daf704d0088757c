package trace

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
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
	head := bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 5}
	table.open(&bpf.Open{
		Head: head, Wire: bpf.WireTLS, Role: bpf.RoleClient, Handshake: true,
		Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
	})
	for i := range f.secrets {
		s := f.secrets[i]
		s.Secret = bytes.Clone(s.Secret)
		table.secret(&s)
	}
	for i := range f.segments {
		s := f.segments[i]
		s.Head = head
		s.Time = ktime.Time(2000 + i)
		table.segment(&s)
		if err := table.send(); err != nil {
			b.Fatal(err)
		}
	}
	if table.frames == 0 || table.exchanges.count == 0 {
		b.Fatalf("got %d frames and %d exchanges", table.frames, table.exchanges.count)
	}
	return table.frames
}
