package proxies

import (
	"maps"
	"math"
	"slices"
	"strings"

	"h2trace/export/report"
)

// The times of requests, and of the connections that these opened.
const (
	timeDNS = iota
	timeConnect
	timeTLS
	timeWait
	timeTotal
	timeCount
)

// overLong is the class of requests that took longer than long, whatever became of them.
const overLong = "over_30s"

// move is a request that counts as another class of failure than the one that its event has,
// "" for none.
type move struct{ from, to string }

// measures is what the recordings of one proxy add up to.
type measures struct {
	downloads, failed int
	ended             int       // of these by the timeout
	wall              []float64 // ms of those that did not fail
	times             [timeCount][]float64

	requests, reused    int64
	opens               int64 // connections
	handshakes, resumed int64
	protocols           map[string]int64
	bytes, bulk         int64
	receive             float64 // ms, of bulk
	segments, resent    int64
	hits, misses        int64
	pages               int64   // of HTML, in response to requests for modules
	cpu                 float64 // ms, of h2trace

	moved   map[move]int64
	waiting map[string]int64 // downloads that the timeout ended without a request, by class
	others  map[string]bool  // checksum databases that were asked without the proxy
}

func newMeasures() *measures {
	return &measures{
		protocols: make(map[string]int64), moved: make(map[move]int64), waiting: make(map[string]int64),
		others: make(map[string]bool),
	}
}

// failures returns the failed requests by class, and the number of all requests. A report
// also counts requests that reached nobody, and responses of which the go command complains.
func (m *measures) failures(r *report.Report) (failed map[string]int64, all int64) {
	failed = make(map[string]int64)
	for _, p := range r.Proxies {
		if m.others[p.Proxy] {
			continue
		}
		all += p.Requests
		for class, n := range p.Failures {
			failed[class] += n
		}
	}
	for change, n := range m.moved {
		if n = min(n, failed[change.from]); change.from == "" {
			n = m.moved[change]
		}
		failed[change.from] -= n
		failed[change.to] += n
	}
	for class, n := range m.waiting {
		failed[class] += n
		all += n
	}
	maps.DeleteFunc(failed, func(class string, n int64) bool { return class == "" || n <= 0 })
	return failed, all
}

// rate returns the speed of large responses in MB/s, or nil.
func (m *measures) rate() *float64 {
	if m.receive <= 0 {
		return nil
	}
	return new(float64(m.bulk) / 1e3 / m.receive)
}

// protocol names the versions of HTTP, the most frequent first, "" if no request was seen.
func (m *measures) protocol() string {
	names := slices.SortedFunc(maps.Keys(m.protocols), func(x, y string) int {
		return int(m.protocols[y] - m.protocols[x])
	})
	return strings.Join(names, ", ")
}

// share returns a part of a whole, or nil if there is none.
func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	return new(float64(part) / float64(whole))
}

// quantiles are those of one time, in ms.
type quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// quantilesOf sorts times and returns their quantiles by nearest rank, nil without a time.
func quantilesOf(ms []float64) *quantiles {
	if len(ms) == 0 {
		return nil
	}
	slices.Sort(ms)
	at := func(q float64) float64 { return ms[max(int(math.Ceil(q*float64(len(ms)))), 1)-1] }
	return &quantiles{at(0.5), at(0.95), at(0.99)}
}
