package exchange

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswer has fields as caches and servers send them: the examples of RFC 9211 and of
// Server Timing (W3C), and those that the manuals of CDNs, Squid and Varnish show.
func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		fields string // "name: value", one a line
		want   Answer
	}{
		{"content-type: text/plain", Answer{}},
		{"retry-after: 120", Answer{RetryAfter: "120"}},
		{"age: 30", Answer{Cache: CacheHit, Age: new(30)}},
		{"age: 0", Answer{Age: new(0)}},
		{"age: soon", Answer{}},
		{"age: 30\nx-cache: MISS", Answer{Cache: CacheMiss, Age: new(30)}},
		{"cf-cache-status: HIT\nage: 5", Answer{Cache: CacheHit, Age: new(5)}},
		{"cf-cache-status: DYNAMIC", Answer{Cache: CacheMiss}},
		{"cf-cache-status: REVALIDATED", Answer{Cache: CacheHit}},
		{"cf-cache-status: EXPIRED", Answer{Cache: CacheMiss}},
		{"x-cache: Hit from cdn", Answer{Cache: CacheHit}},
		{"x-cache: RefreshHit from cdn", Answer{Cache: CacheHit}},
		{"x-cache: Error from cdn", Answer{}},
		{"x-cache: MISS, HIT", Answer{Cache: CacheHit}},
		{"x-cache: MISS, MISS", Answer{Cache: CacheMiss}},
		{"x-cache: TCP_MEM_HIT", Answer{Cache: CacheHit}},
		{"x-cache: TCP_MISS", Answer{Cache: CacheMiss}},
		{"x-cache: MISS from squid.example", Answer{Cache: CacheMiss}},
		{"x-cache: MISS from hit-and-run.white.example:3128", Answer{Cache: CacheMiss}},
		{"x-cache: MISS from a.example, HIT from b.example", Answer{Cache: CacheHit}},
		{"cache-status: white.example; fwd=uri-miss", Answer{Cache: CacheMiss}},
		{"x-cache-status: UPDATING", Answer{Cache: CacheHit}},
		{"cache-status: ExampleCache; hit; ttl=376", Answer{Cache: CacheHit}},
		{"cache-status: ExampleCache; fwd=uri-miss; stored", Answer{Cache: CacheMiss}},
		{"cache-status: OriginCache; fwd=uri-miss\ncache-status: CDN; hit; ttl=1", Answer{Cache: CacheHit}},
		{"server-timing: miss, db;dur=53, app;dur=47.2", Answer{Timing: []Metric{{"db", 53}, {"app", 47.2}}}},
		{`server-timing: cdn-cache; desc=MISS, edge; dur=12, origin; dur=340`, Answer{Cache: CacheMiss, Timing: []Metric{{"edge", 12}, {"origin", 340}}}},
		{`server-timing: cache;desc="Cache Read";dur="23.2", cache;dur=1`, Answer{Timing: []Metric{{"cache", 24.2}}}},
		{"server-timing: total;dur=x, ;dur=4, a;dur=-1, b;dur", Answer{}},
		{"server-timing: " + strings.Repeat("n", 40) + ";dur=1", Answer{}},
		{"server-timing: a;dur=1,b;dur=1,c;dur=1,d;dur=1,e;dur=1,f;dur=1,g;dur=1,h;dur=1,i;dur=1", Answer{Timing: []Metric{
			{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1}, {"g", 1}, {"h", 1},
		}}},
	} {
		var got Answer
		for field := range strings.SplitSeq(tt.fields, "\n") {
			name, value, _ := strings.Cut(field, ": ")
			got.field(name, value)
		}
		got.settle()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.fields, diff)
		}
	}
}
