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

// TestGoTraceEnds has what begins in a file and ends in another, and lines that are none.
func TestGoTraceEnds(t *testing.T) {
	var g GoTrace
	take := func(line string) (isTrace bool, spans int) {
		isTrace = g.Take([]byte(line), func(GoSpan) { spans++ })
		return isTrace, spans
	}
	const end = `,{"name":"load","ph":"E","ts":1767323045000001,"pid":0,"tid":1}`
	for range 2 {
		take(`[{"name":"load","ph":"B","ts":1767323045000000,"pid":0,"tid":1}`)
	}
	if isTrace, spans := take(end); !isTrace || spans != 1 {
		t.Errorf("got %v, %d spans", isTrace, spans)
	}
	g.EndFile()
	if isTrace, spans := take(end); !isTrace || spans != 0 {
		t.Errorf("in another file: %v, %d spans", isTrace, spans)
	}
	for _, not := range []string{
		"", `{"v":1,"ph":"E"}`, strings.Replace(end, "1767323045000001", "1e16", 1), // nanoseconds exceed an int64
		strings.Replace(end, `"tid":1`, `"tid":100000000000000000000`, 1), strings.Replace(end, `"name"`, `"named"`, 1),
	} {
		if isTrace, _ := take(not); isTrace {
			t.Errorf("%s is taken", not)
		}
	}
}
