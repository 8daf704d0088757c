package metrics

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// BenchmarkTake takes requests of 1,000 connections.
func BenchmarkTake(b *testing.B) {
	r := New(Options{})
	lines := make([][]byte, 1000)
	for i := range lines {
		r.Take(event("conn", fmt.Sprintf(`"pid":7,"comm":"go","conn":"c%d","action":"open","role":"client"`, i)))
		lines[i] = event("exchange", fmt.Sprintf(`"pid":7,"comm":"go","conn":"c%d","stream":1,"method":"GET","url":"https://proxy%d.example/example.com/m/@v/v1.0.0.zip","status":200,`+
			`"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":100,"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":7.000,"receive_ms":1.000,"total_ms":12.000,`+
			`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":{"path":"example.com/m","version":"v1.0.0","kind":"zip","proxy":"https://proxy%d.example","next":null},"error":null,"start":null,"retry":null,"via":null`, i, i%8, i%8))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Take(lines[i%len(lines)])
	}
}

// BenchmarkScrape scrapes what 1,000 connections to 8 servers made, and what is most.
func BenchmarkScrape(b *testing.B) {
	r := New(Options{})
	for i := range 1000 {
		r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"open","role":"client"`, i)))
		for j := range 10 {
			r.Take(event("exchange", fmt.Sprintf(`"conn":"c%d","stream":%d,"method":"GET","url":"https://h%d.example/","status":%d,"reused":%v,`+
				`"request_bytes":0,"response_bytes":100,"dns_ms":1.000,"connect_ms":%d.000,"tls_ms":3.000,"send_ms":0.000,"wait_ms":%d.000,"receive_ms":1.000,"total_ms":%d.000,"error":null`,
				i, j, i%8, 200+j%3, j > 0, i%50, i*j%3000, i*j%5000)))
		}
	}
	for _, of := range []struct {
		name string
		*Recorder
	}{{"1000 connections", r}, {"all limits", flooded(b)}} {
		handler := promhttp.HandlerFor(of, promhttp.HandlerOpts{})
		for _, accept := range []string{"text/plain", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
			b.Run(of.name+"/"+accept[:4], func(b *testing.B) {
				for b.Loop() {
					req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
					req.Header.Set("Accept", accept)
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, req)
					n, _ := io.Copy(io.Discard, w.Body)
					b.ReportMetric(float64(n), "B/scrape")
				}
			})
		}
	}
}
