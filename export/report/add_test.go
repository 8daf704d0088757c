package report

import (
	"strings"
	"testing"
)

// BenchmarkAdd adds the lines that an overview gets of a request: an exchange.
func BenchmarkAdd(b *testing.B) {
	var w writer
	w.exchange(exchange{url: "https://127.0.0.1:4444/headers/12", wait: 5})
	line := []byte(strings.TrimSpace(w.String()))
	x := NewBuilder()
	b.ReportAllocs()
	for b.Loop() {
		x.Add(line)
	}
}
