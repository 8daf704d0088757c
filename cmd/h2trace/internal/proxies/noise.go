package proxies

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// spread is the median time of downloads, and how sure it is.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// Confidence is the probability that the true median is between Low and High. It is 0
	// if the downloads are too few to say so. Then these are the least and the most.
	Confidence float64 `json:"confidence"`
}

// confidence is that of an interval. An order may be wrong with the rest of the probability.
const confidence = 0.95

// spreadOf returns the spread of times in ms, nil without any.
func spreadOf(ms []float64) *spread {
	if len(ms) == 0 {
		return nil
	}
	sample := benchmath.NewSample(slices.Clone(ms), &benchmath.DefaultThresholds)
	s := benchmath.AssumeNothing.Summary(sample, confidence)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return &spread{Median: s.Center, Low: slices.Min(ms), High: slices.Max(ms)}
	}
	return &spread{s.Center, s.Lo, s.Hi, s.Confidence}
}

// timed is a proxy with the times of its downloads, in ms.
type timed struct {
	name   string
	ms     []float64
	median float64
}

// place is what the order of proxies says of one of them.
type place struct {
	Proxy string `json:"proxy"`
	// Rank is the same for proxies between which the noise allows no difference.
	Rank int `json:"rank"`
	// Times is how many times as long a download takes as through the first of the rank
	// before, and P the probability of such a difference by chance. Both are 0 for the
	// first rank.
	Times float64 `json:"times"`
	P     float64 `json:"p"`
}

// orderOf ranks proxies by the times of their downloads. A proxy gets a rank of its own only
// if the Mann-Whitney U test tells it from the first of the rank before. The test is held to a
// smaller error the more proxies there are (Bonferroni).
func orderOf(list []timed) []place {
	list = slices.DeleteFunc(slices.Clone(list), func(t timed) bool { return len(t.ms) == 0 })
	for i := range list {
		list[i].median = spreadOf(list[i].ms).Median
	}
	slices.SortStableFunc(list, func(x, y timed) int { return cmp.Compare(x.median, y.median) })
	var order []place
	first := 0
	for i, t := range list {
		p := place{Proxy: t.name, Rank: 1}
		if i > 0 {
			p = order[i-1]
			p.Proxy = t.name
			if chance := byChance(list[first].ms, t.ms); chance < (1-confidence)/float64(len(list)-1) {
				p.Rank, p.Times, p.P = p.Rank+1, t.median/list[first].median, chance
				first = i
			}
		}
		order = append(order, p)
	}
	return order
}

// byChance returns the probability that two samples differ that much by chance.
func byChance(a, b []float64) float64 {
	sample := func(ms []float64) *benchmath.Sample {
		return benchmath.NewSample(slices.Clone(ms), &benchmath.DefaultThresholds)
	}
	return benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
}

// sentences says what the order is, and what it is not known of. least is the number of
// downloads of the proxy with fewest.
func sentences(order []place, least int) []string {
	if len(order) < 2 {
		return nil
	}
	var ranks [][]place
	for i, p := range order {
		if i == 0 || p.Rank != order[i-1].Rank {
			ranks = append(ranks, nil)
		}
		ranks[len(ranks)-1] = append(ranks[len(ranks)-1], p)
	}
	var list []string
	for i, rank := range ranks {
		if i > 0 {
			list = append(list, fmt.Sprintf("%s %s %.2f times as long as %s (p = %.3f)",
				namesOf(rank), plural(len(rank), "takes", "take"), rank[0].Times, namesOf(ranks[i-1][:1]), rank[0].P))
		}
		if len(rank) > 1 {
			list = append(list, "no difference that the noise allows between "+namesOf(rank)+tooFew(least, len(order)))
		}
	}
	return list
}

// tooFew says how many downloads it takes to tell proxies apart, if these are fewer: the U
// test of two samples of n has a least p of 2·n!²/(2n)!.
func tooFew(n, proxies int) string {
	need, p := 1, 1.0
	for ; p >= (1-confidence)/float64(max(proxies-1, 1)); need++ {
		p = 2
		for i := 1; i <= need; i++ {
			p *= float64(i) / float64(need+i)
		}
	}
	if need--; n >= need {
		return ""
	}
	return fmt.Sprintf("; it takes %d downloads of each to see one", need)
}

func namesOf(list []place) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Proxy
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
