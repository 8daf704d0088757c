package top

import (
	"fmt"
	"testing"
)

// BenchmarkAdd counts frames of 8 connections with 16 streams each.
func BenchmarkAdd(b *testing.B) {
	m := New(began)
	var lines [][]byte
	for c := range 8 {
		conn := fmt.Sprint("c", c)
		for s := range 16 {
			m.Add([]byte(requested(0, conn, 2*s+1)))
			lines = append(lines, []byte(framed(0, conn, "recv", 2*s+1, 16384, `"conn_send":1048510,"conn_recv":1073725440,"stream_send":262144,"stream_recv":4177920`)))
		}
	}
	b.ResetTimer()
	for i := range b.N {
		m.Add(lines[i%len(lines)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkState looks at as many requests in flight as get a row.
func BenchmarkState(b *testing.B) {
	m := New(began)
	for i := range maxRequests {
		m.Add([]byte(requested(0, fmt.Sprint("c", i%100), 2*i+1)))
	}
	for b.Loop() {
		m.State(began, Requests)
	}
}
