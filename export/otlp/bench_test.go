//go:build unix

package otlp

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"h2trace/export/otlp/otlptest"
)

// BenchmarkSpan makes spans of exchanges, and sends them to a collector that takes all.
func BenchmarkSpan(b *testing.B) {
	c := otlptest.Start(b, func(int, http.ResponseWriter, *http.Request) bool { return true })
	for _, compression := range []string{"none", "gzip"} {
		b.Run(compression, func(b *testing.B) {
			x, _ := start(b, c.URL, "OTEL_EXPORTER_OTLP_COMPRESSION="+compression)
			x.Line([]byte(execLine))
			x.Line([]byte(openLine))
			var lines [][]byte
			for i := range 1000 {
				lines = append(lines, fmt.Appendf(nil, `{"v":1,"ts":"2026-11-30T12:00:02.%09dZ","event":"exchange","pid":7,"comm":"client","conn":"c1","stream":%d,%s%s`, i*1000, 2*i+1, okKeys, exchangeTail))
			}
			b.ReportAllocs()
			before := cpuTime(b)
			for i := 0; b.Loop(); i++ {
				x.Line(lines[i%len(lines)])
				for len(x.sender.queue) > maxWaiting/2 {
					time.Sleep(100 * time.Microsecond)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") // of both ends
			if t := x.Close(10 * time.Second).Spans; t.Dropped > 0 {
				b.Errorf("%+v", t)
			}
		})
	}
}

// cpuTime returns the CPU time of this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
