package exchange

import (
	"strconv"
	"strings"
)

// Cache says whether a cache answered a request.
type Cache uint8

// The values. CacheMiss is for a response that a cache had to fetch itself.
const (
	CacheUnknown Cache = iota
	CacheMiss
	CacheHit
)

// String returns "hit", "miss", or "" if it is not known.
func (c Cache) String() string { return [...]string{"", "miss", "hit"}[c] }

// Answer is what the fields of a response say about where it came from.
type Answer struct {
	RetryAfter string
	Cache      Cache
	Age        *int // in seconds (RFC 9111 §5.1), nil without one
	// Timing has the metrics of Server-Timing with a duration, in the order of the
	// field, each name once.
	Timing []Metric
}

// Metric is a time that a server says it took (Server Timing, W3C).
type Metric struct {
	Name   string
	Millis float64
}

// The bounds on what is kept of Server-Timing.
const (
	maxMetrics    = 8
	maxMetricName = 32
)

// answerFields are the fields of a response that an Answer is made of, by their canonical
// names.
var answerFields = [...]struct{ canonical, name string }{
	{"Age", "age"},
	{"Cache-Status", "cache-status"},
	{"Cdn-Cache-Status", "cdn-cache-status"},
	{"Cf-Cache-Status", "cf-cache-status"},
	{"X-Cache", "x-cache"},
	{"X-Cache-Status", "x-cache-status"},
	{"Retry-After", "retry-after"},
	{"Server-Timing", "server-timing"},
}

// field takes a field; its name is in lower case.
func (a *Answer) field(name, value string) {
	switch name {
	case "retry-after":
		a.RetryAfter = value
	case "age":
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil {
			a.Age = new(int(n))
		}
	case "cache-status", "cdn-cache-status", "cf-cache-status", "x-cache", "x-cache-status":
		a.Cache = max(a.Cache, cacheSays(value))
	case "server-timing":
		a.timing(value)
	}
}

// cacheSays reads the words of caches, each of which has its own: "HIT, MISS", "Hit from
// cdn", "TCP_MEM_HIT", "ExampleCache; fwd=uri-miss" (RFC 9211). One that answered is
// enough, as the response came from there. Names of caches are no such words.
func cacheSays(value string) Cache {
	says := nameless(strings.ToLower(value))
	if !strings.Contains(says, "hit=?0") {
		for word := range strings.FieldsFuncSeq(says, func(r rune) bool { return r < 'a' || r > 'z' }) {
			if strings.HasSuffix(word, "hit") { // or "refreshhit"
				return CacheHit
			}
		}
	}
	for _, word := range [...]string{"stale", "updating", "revalidated"} {
		if says == word {
			return CacheHit
		}
	}
	for _, word := range [...]string{"miss", "expired", "bypass", "dynamic", "fwd=", "pass"} {
		if strings.Contains(says, word) {
			return CacheMiss
		}
	}
	return CacheUnknown
}

// nameless returns a value without the names in "MISS from proxy.example, HIT from b.example".
func nameless(value string) string {
	if !strings.Contains(value, " from ") {
		return value
	}
	var b strings.Builder
	for entry := range strings.SplitSeq(value, ",") {
		word, _, _ := strings.Cut(entry, " from ")
		b.WriteString(word + ",")
	}
	return b.String()
}

// timing takes a Server-Timing field.
func (a *Answer) timing(value string) {
	for metric := range strings.SplitSeq(value, ",") {
		name, params, _ := strings.Cut(metric, ";")
		if name = strings.TrimSpace(name); name == "" || len(name) > maxMetricName {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			key, v, _ := strings.Cut(param, "=")
			v = strings.Trim(strings.TrimSpace(v), `"`)
			switch key = strings.ToLower(strings.TrimSpace(key)); {
			case key == "dur":
				if ms, err := strconv.ParseFloat(v, 64); err == nil && ms >= 0 && ms < 1e9 {
					a.took(name, ms)
				}
			case key == "desc" && strings.HasSuffix(strings.ToLower(name), "cache"):
				a.Cache = max(a.Cache, cacheSays(v))
			}
		}
	}
}

func (a *Answer) took(name string, ms float64) {
	for i := range a.Timing {
		if a.Timing[i].Name == name {
			a.Timing[i].Millis += ms
			return
		}
	}
	if len(a.Timing) < maxMetrics {
		a.Timing = append(a.Timing, Metric{name, ms})
	}
}

// settle uses the Age of a response where no cache says more. A cache that has just fetched
// one may send 0.
func (a *Answer) settle() {
	if a.Cache == CacheUnknown && a.Age != nil && *a.Age > 0 {
		a.Cache = CacheHit
	}
}

// keeps returns the memory of the texts.
func (a *Answer) keeps() int32 {
	return int32(len(a.RetryAfter) + len(a.Timing)*(maxMetricName+24))
}
