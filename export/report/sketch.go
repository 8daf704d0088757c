package report

import (
	"math"
	"time"
)

// sketch counts times in buckets whose bounds grow by a constant factor, so that a quantile
// is within 1 % of the true one, like DDSketch (Masson, Rim and Lee, VLDB 2019). 0 to 1 µs is one bucket. Times of up to a year make 1,558
// buckets.
type sketch struct {
	buckets []uint32
	count   uint64
}

const (
	// accuracy is the largest relative error of a quantile.
	accuracy = 0.01
	growth   = (1 + accuracy) / (1 - accuracy)
	least    = 1000 // ns
	most     = 366 * 24 * 3600 * 1e9
)

var logGrowth = math.Log(growth)

func (s *sketch) add(d time.Duration) { s.addTo(bucketOf(d)) }

// bucketOf returns the index of the bucket of a time.
func bucketOf(d time.Duration) int {
	if d > least {
		return 1 + int(math.Log(math.Min(float64(d), most)/least)/logGrowth)
	}
	return 0
}

func (s *sketch) addTo(i int) {
	for len(s.buckets) <= i {
		s.buckets = append(s.buckets, make([]uint32, i+1-len(s.buckets))...)
	}
	s.buckets[i]++
	s.count++
}

// quantile returns the q-quantile in nanoseconds, 0 ≤ q ≤ 1, by nearest rank,
// and false without any time.
func (s *sketch) quantile(q float64) (float64, bool) {
	if s.count == 0 {
		return 0, false
	}
	rank := uint64(max(math.Ceil(q*float64(s.count))-1, 0))
	var seen uint64
	for i, n := range s.buckets {
		if seen += uint64(n); seen > rank {
			return middle(i), true
		}
	}
	return 0, false
}

// beyond returns the number of times longer than ns, and their sum.
func (s *sketch) beyond(ns float64) (count uint64, sum float64) {
	for i, n := range s.buckets {
		if m := middle(i); m > ns {
			count += uint64(n)
			sum += float64(n) * m
		}
	}
	return count, sum
}

// middle returns the value that stands for the times of a bucket.
func middle(i int) float64 {
	if i == 0 {
		return least / 2
	}
	low := least * math.Pow(growth, float64(i-1))
	return 2 * low * growth / (1 + growth)
}

// merge adds the times of another sketch.
func (s *sketch) merge(o *sketch) {
	if n := len(o.buckets) - len(s.buckets); n > 0 {
		s.buckets = append(s.buckets, make([]uint32, n)...)
	}
	for i, n := range o.buckets {
		s.buckets[i] += n
	}
	s.count += o.count
}
