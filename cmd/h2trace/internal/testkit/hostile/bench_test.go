//go:build linux

package hostile_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"runtime"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/hostile"
	"h2trace/cmd/h2trace/internal/trace"
)

// BenchmarkAttacks has the engine read each attack, and reports the time for a byte and for a
// packet, and the heap that it keeps before the connections end.
func BenchmarkAttacks(b *testing.B) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // it makes a certificate
	server.Close()
	for _, a := range hostile.Attacks(server.TLS.Certificates[0]) {
		b.Run(a.Name, func(b *testing.B) {
			traffic, err := a.Of(4 * a.N)
			if err != nil {
				b.Fatal(err)
			}
			var size, packets int
			var kept uint64
			for b.Loop() {
				var before, after runtime.MemStats
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				r := trace.NewReplay(trace.ReplayOptions{}, io.Discard)
				if _, err := r.Secrets(bytes.NewReader(traffic.Secrets)); err != nil {
					b.Fatal(err)
				}
				for p := range traffic.Packets {
					size, packets = size+len(p.Data), packets+1
					if err := r.Packet(p); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				kept = after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
				if _, err := r.Finish(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			ns := float64(b.Elapsed().Nanoseconds())
			b.ReportMetric(ns/float64(size), "ns/byte")
			b.ReportMetric(ns/float64(packets), "ns/packet")
			b.ReportMetric(float64(kept)/1024, "kB-kept")
			b.ReportMetric(0, "ns/op")
		})
	}
}
