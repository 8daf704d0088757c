package scan

import (
	"fmt"
	"strings"
	"testing"
)

// TestGoTraceOpen has a span that begins again and again, and never ends.
func TestGoTraceOpen(t *testing.T) {
	var g GoTrace
	line := fmt.Appendf(nil, `{"name":%q,"ph":"B","ts":1767323045000000,"pid":0,"tid":1}`, strings.Repeat("load", maxSpanName))
	for range maxOpenSpans + 10 {
		if !g.Take(line, nil) {
			t.Fatal("the line is not taken")
		}
	}
	open := 0
	for key, begins := range g.open {
		if len(key.name) > maxSpanName {
			t.Errorf("a name has %d bytes", len(key.name))
		}
		open += len(begins)
	}
	if open > maxOpenSpans {
		t.Errorf("%d spans are open, want %d at most", open, maxOpenSpans)
	}
}
