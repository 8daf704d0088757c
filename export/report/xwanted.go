package report

import (
	"net/http"
	"strings"
	"time"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// wanted is what a URL asks for.
type wanted struct {
	raw  string // as it is in the log
	url  string // without secrets
	name string // of the proxy, or the origin
	goproxy.Request
	module bool            // it is a request to a module proxy
	hidden bool            // the URL has credentials, of which a log shows the user at most
	page   bool            // it is for the page that names the repository of a module
	begun  []time.Duration // when the requests in flight began
	found  bool            // a response was counted
	sums   *wantedSums
}

func newWanted(raw string) *wanted {
	url := redact.String(raw)
	parsed := redact.Parseable(url)
	a := &wanted{raw: raw, url: url, page: goproxy.IsPage(parsed)}
	scheme, rest, _ := strings.Cut(url, "://")
	host := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host = rest[:i]
	}
	user, name, ok := cutLast(host, "@")
	if a.hidden = ok; !ok {
		name = user
	}
	a.name = scheme + "://" + name
	if a.Request, a.module = goproxy.Parse(parsed); a.module {
		base := a.Base
		if i := strings.Index(base, "/sumdb/"); i >= 0 {
			base = base[:i]
		}
		a.name += base
	}
	return a
}

// exchange returns the event of the request.
func (a *wanted) exchange(pid int64) *exchangeEvent {
	x := &exchangeEvent{url: jsonString(a.url)}
	x.pid = pid
	if a.module {
		x.proxy, x.kind = jsonString(a.name), jsonString(string(a.Kind))
		if a.Path != "" {
			x.path = jsonString(a.Path)
		}
		if a.Version != "" {
			x.version = jsonString(a.Version)
		}
	}
	return x
}

// wantedSums are the sums that a request counts for.
type wantedSums struct {
	tallies []*tally
	module  *module
	left    []*int // counters of what there is no room for
}

// sumsOf returns the sums for a request.
func (s *tables) sumsOf(a *wanted) *wantedSums {
	sums := new(wantedSums)
	if p := s.proxies.get(a.name); p == nil {
		s.proxies.leftOut--
		sums.left = append(sums.left, &s.proxies.leftOut)
	} else {
		sums.tallies = append(sums.tallies, &p.tally)
		if a.module {
			sums.tallies = append(sums.tallies, &p.modules)
			p.hidden = p.hidden || a.hidden
		}
	}
	if !a.module {
		return sums
	}
	if k := s.kinds.get(string(a.Kind)); k != nil {
		sums.tallies = append(sums.tallies, k)
	}
	if a.Path != "" && a.Kind != goproxy.List && a.Kind != goproxy.Latest {
		if sums.module = s.modules.get(a.Path + "@" + a.Version); sums.module == nil {
			s.modules.leftOut--
			sums.left = append(sums.left, &s.modules.leftOut)
		}
	}
	return sums
}

// buckets remembers the buckets of sketches for times in milliseconds, the resolution of a log.
type buckets [1 << 12]uint16

func (b *buckets) of(d time.Duration) int {
	i := int(d / time.Millisecond)
	if i >= len(b) {
		return bucketOf(d)
	}
	if b[i] == 0 {
		b[i] = uint16(bucketOf(time.Duration(i)*time.Millisecond)) + 1
	}
	return int(b[i]) - 1
}

// add adds a request. x is nil if it succeeded.
func (s *wantedSums) add(b *buckets, one *logged, x *exchangeEvent) {
	for _, n := range s.left {
		*n++
	}
	bucket := b.of(one.took)
	for _, t := range s.tallies {
		t.requests++
		t.logged++
		if one.status == http.StatusNotModified {
			t.notModified++
		}
		if one.known {
			t.wait.addTo(bucket)
			t.waited += one.took
		}
		if one.class != "" {
			t.fail(one.class)
		}
		if x != nil && x.notFound() {
			t.missing++
		}
	}
	if m := s.module; m != nil {
		m.requests++
		m.logged++
		m.waited += one.took
		m.longestWait = max(m.longestWait, one.took)
		if !one.known {
			m.untimed++
		}
		if one.class != "" {
			m.failures++
		}
	}
}
