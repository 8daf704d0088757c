package chrometrace

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestGoSpans converts spans of a go command that nest, as it means them to, and others that
// overlap on one thread, as they do.
func TestGoSpans(t *testing.T) {
	type edge struct {
		at    int64
		phase string
		name  int
	}
	trace := func(edges []edge) string {
		var b strings.Builder
		b.WriteString("[\n")
		for _, e := range edges {
			fmt.Fprintf(&b, `,{"name":"span %d","ph":%q,"ts":%d.25,"pid":0,"tid":3}`+"\n", e.name, e.phase, micros2026+e.at)
		}
		return b.String() + "]"
	}
	lanesOf := func(lines string, spans int) int {
		lanes := make(map[int64]bool)
		n := 0
		for _, e := range converted(t, lines).Events {
			if e.Phase == "X" {
				lanes[e.TID] = true
				n++
			}
		}
		if n != spans {
			t.Errorf("%d spans, want %d", n, spans)
		}
		return len(lanes)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		var nested []edge
		var open []int
		at, names := int64(100), 0
		for range 400 {
			at += r.Int64N(4) // many begin or end at once
			if len(open) < 6 && r.IntN(2) == 0 {
				nested = append(nested, edge{at, "B", names})
				open = append(open, names)
				names++
			} else if len(open) > 0 {
				nested = append(nested, edge{at, "E", open[len(open)-1]})
				open = open[:len(open)-1]
			}
		}
		for len(open) > 0 {
			nested = append(nested, edge{at, "E", open[len(open)-1]})
			open = open[:len(open)-1]
		}
		if n := lanesOf(trace(nested), names); n > 2 { // one has no room for what begins at once
			t.Errorf("round %d: %d lanes for spans that nest", round, n)
		}
		var mixed []edge
		for i := range 100 {
			begin := r.Int64N(1000)
			mixed = append(mixed, edge{begin, "B", i}, edge{begin + 1 + r.Int64N(100), "E", i})
		}
		slices.SortStableFunc(mixed, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
		if n := lanesOf(trace(mixed), 100); n < 2 {
			t.Errorf("round %d: %d lanes for spans that overlap", round, n)
		}
	}
}

// TestGoThread has more spans that overlap on a thread than that has lanes.
func TestGoThread(t *testing.T) {
	tr := New(io.Discard)
	for i := range 3 * maxNestLanes {
		at := micros2026 + 100*i
		for _, edge := range []struct {
			phase string
			name  int
		}{{"B", i}, {"E", i - maxNestLanes - 1}} {
			line := fmt.Sprintf(`,{"name":"span %d","ph":%q,"ts":%d,"pid":0,"tid":3}`, edge.name, edge.phase, at)
			if isEvent, err := tr.Take([]byte(line)); !isEvent || err != nil {
				t.Fatal(isEvent, err)
			}
		}
	}
	if n := len(tr.spans.threads["3"].list); n == 0 || n > maxNestLanes {
		t.Errorf("%d lanes are kept", n)
	}
}
