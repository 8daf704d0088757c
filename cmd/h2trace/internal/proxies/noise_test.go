package proxies

import (
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	a := []float64{100, 102, 104, 101, 103, 105}
	for _, tt := range []struct {
		name string
		list []timed
		want string // ranks, in order
		text []string
	}{
		{"one", []timed{{name: "a", ms: a}}, "a1", nil},
		{
			"ordered",
			[]timed{{name: "slow", ms: scaled(a, 2)}, {name: "fast", ms: a}},
			"fast1 slow2",
			[]string{"slow takes 2.00 times as long as fast (p = 0.002)"},
		},
		{
			"equal",
			[]timed{{name: "a", ms: a}, {name: "b", ms: a}},
			"a1 b1",
			[]string{"no difference that the noise allows between a and b"},
		},
		{
			"too few",
			[]timed{{name: "a", ms: a[:3]}, {name: "b", ms: scaled(a[:3], 9)}},
			"a1 b1",
			[]string{"no difference that the noise allows between a and b; it takes 4 downloads of each to see one"},
		},
		{
			"two of three",
			[]timed{{name: "a", ms: a}, {name: "b", ms: scaled(a, 1.001)}, {name: "c", ms: scaled(a, 3)}},
			"a1 b1 c2",
			[]string{"no difference that the noise allows between a and b", "c takes 3.00 times as long as a (p = 0.002)"},
		},
		// Four of each tell two proxies apart, but not three of which each may err.
		{
			"three with few",
			[]timed{{name: "a", ms: a[:4]}, {name: "b", ms: scaled(a[:4], 2)}, {name: "c", ms: scaled(a[:4], 4)}},
			"a1 b1 c1",
			[]string{"no difference that the noise allows between a, b and c; it takes 5 downloads of each to see one"},
		},
		{"one that failed", []timed{{name: "a", ms: a}, {name: "b"}}, "a1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			order := orderOf(tt.list)
			var ranks []string
			for _, p := range order {
				ranks = append(ranks, p.Proxy+string(rune('0'+p.Rank)))
			}
			if got := strings.Join(ranks, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			got := sentences(order, len(tt.list[0].ms))
			if strings.Join(got, "\n") != strings.Join(tt.text, "\n") {
				t.Errorf("got %q, want %q", got, tt.text)
			}
		})
	}
}

func scaled(ms []float64, by float64) []float64 {
	out := make([]float64, len(ms))
	for i, v := range ms {
		out[i] = v * by
	}
	return out
}

func TestSpread(t *testing.T) {
	if got := spreadOf(nil); got != nil {
		t.Errorf("got %+v without times", got)
	}
	if got, want := *spreadOf([]float64{3, 1, 2}), (spread{2, 1, 3, 0}); got != want {
		t.Errorf("got %+v, want the least and the most: %+v", got, want)
	}
	got := *spreadOf([]float64{9, 1, 2, 3, 4, 5, 6, 7, 8})
	if got.Median != 5 || got.Low != 2 || got.High != 8 || got.Confidence < 0.95 {
		t.Errorf("got %+v, want an interval", got)
	}
}
