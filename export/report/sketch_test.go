package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"h2trace/export/scan"
)

func TestSketch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	distributions := map[string]func() float64{
		"uniform":     func() float64 { return 1e6 + r.Float64()*1e9 },
		"exponential": func() float64 { return 1e5 + r.ExpFloat64()*5e7 },
		"two modes":   func() float64 { return []float64{2e6, 3e10}[r.IntN(2)] * (1 + r.Float64()/10) },
	}
	for name, next := range distributions {
		t.Run(name, func(t *testing.T) {
			var s sketch
			var all []float64
			for range 20_001 {
				v := math.Floor(next())
				s.add(time.Duration(v))
				all = append(all, v)
			}
			slices.Sort(all)
			limit := all[len(all)*3/4]
			beyond := func(limit float64) (count uint64, sum float64) {
				for _, v := range all[sort.SearchFloat64s(all, limit):] {
					count++
					sum += v
				}
				return count, sum
			}
			least, leastSum := beyond(limit * 1.02)
			most, mostSum := beyond(limit * 0.98)
			if count, sum := s.beyond(limit); count < least || count > most || sum < leastSum*0.99 || sum > mostSum*1.01 {
				t.Errorf("beyond %v: got %d, %v; want %d to %d, %v to %v", limit, count, sum, least, most, leastSum, mostSum)
			}
			for _, q := range []float64{0, 0.5, 0.95, 0.99, 1} {
				want := all[int(max(math.Ceil(q*float64(len(all)))-1, 0))]
				got, ok := s.quantile(q)
				if !ok || math.Abs(got-want) > accuracy*want*1.000001 {
					t.Errorf("quantile %v: got %v, want %v within 1 %%", q, got, want)
				}
			}
		})
	}
	var s sketch
	if _, ok := s.quantile(0.5); ok {
		t.Error("an empty sketch has a median")
	}
	s.add(math.MaxInt64)
	s.add(-5)
	if len(s.buckets) > 1558 {
		t.Errorf("%d buckets for a year", len(s.buckets))
	}
}

// TestMillisTooLong has a time that an int64 cannot hold in nanoseconds.
func TestMillisTooLong(t *testing.T) {
	for _, long := range []string{"1e13", "-1e13", "999999999999999"} {
		if d, ok := scan.Millis([]byte(long)); ok {
			t.Errorf("%s ms are %v, want no time", long, d)
		}
	}
	if d, ok := scan.Millis([]byte("1e12")); !ok || d <= 0 {
		t.Errorf("1e12 ms are %v, %v", d, ok)
	}
}
