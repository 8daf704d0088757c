package report

import (
	"bytes"
	"os"
	"testing"
)

// BenchmarkRead reads a recording, as often as the mix of lines in it comes: set
// H2TRACE_EVENTS to one of your own. It reports MB/s.
func BenchmarkRead(b *testing.B) {
	one := recording()
	if file := os.Getenv("H2TRACE_EVENTS"); file != "" {
		var err error
		if one, err = os.ReadFile(file); err != nil {
			b.Fatal(err)
		}
	}
	data := bytes.Repeat(one, 1+(16<<20)/len(one))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := NewBuilder().Read(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
