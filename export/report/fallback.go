package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
	"h2trace/export/scan"
)

// proxyOf returns the name of a proxy by a request's URL: scheme, host and base path,
// without credentials.
func proxyOf(rawURL string) string {
	asked, ok := goproxy.Parse(redact.Parseable(rawURL))
	base, _, _ := strings.Cut(asked.Base, "/sumdb/")
	origin, plain := plainOrigin(rawURL)
	switch {
	case !plain:
		u, valid := parseURL(rawURL)
		if !valid {
			return withoutUser(rawURL)
		}
		origin = u.Scheme + "://" + u.Host
	case !ok:
		return origin
	}
	return origin + base
}

// plainOrigin returns the scheme and the host of a URL without credentials and escapes, which
// need not be parsed.
func plainOrigin(rawURL string) (origin string, ok bool) {
	begin := len("https://")
	if !strings.HasPrefix(rawURL, "https://") {
		if begin = len("http://"); !strings.HasPrefix(rawURL, "http://") {
			return "", false
		}
	}
	end, digits := 0, false
	for i := begin; i < len(rawURL); i++ {
		switch c := rawURL[i]; {
		case end > 0:
			if c <= ' ' || c >= 0x7f || c == '%' {
				return "", false
			}
		case c == '/':
			end = i
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z' && !digits, (c == '.' || c == '-') && !digits:
		case c == ':' && !digits:
			digits = true // of the port
		default:
			return "", false
		}
	}
	if end == 0 {
		end = len(rawURL)
	}
	return rawURL[:end], end > begin
}

// proxyName returns the proxy of an exchange: its entry in GOPROXY, or else the name by its
// URL.
func proxyName(x *exchangeEvent) string {
	if name := scan.Text(x.proxy); name != "" {
		return name
	}
	return proxyOf(scan.Text(x.url))
}

// fallback is a step of the go command from one proxy to the next. If it asks no other
// proxy, barred is the entry that a "," excludes, if any.
type fallback struct{ from, to, why, barred string }

// steps counts fallbacks, and the time that the proxy before took to fail.
type steps struct {
	count int64
	lost  time.Duration
}

// failure is a failed request that no other proxy was asked for yet.
type failure struct {
	fallback
	next, barred string // in GOPROXY, empty if unknown
	query, guess bool   // a guess may have been one of several
	took         time.Duration
	missing      bool // it was not found
	of           familyPath
}

// fallbacks finds fallbacks: a request to another proxy for the same thing, after a failed
// one.
type fallbacks struct {
	failed map[string]failure // by the requested thing, without to
	count  map[fallback]steps
	tail   string // end of GOPROXY: Direct, Off or None; empty is unknown
}

// maxFallbacks bounds the remembered failed requests, and the counted kinds of fallbacks.
const maxFallbacks = 1 << 12

func (f *fallbacks) add(proxy string, x *exchangeEvent) {
	if f.failed == nil {
		f.failed = make(map[string]failure)
	}
	if x.tail != nil {
		f.tail = scan.Text(x.tail)
	}
	f.ends(scan.Text(x.next), x.notFound())
	what := strconv.FormatInt(x.pid, 10) + " " + string(x.kind) + " " + string(x.path) + " " + string(x.version)
	before, again := f.failed[what]
	if again && before.from != proxy {
		before.to = proxy
		f.note(before.fallback, before.took)
		before.took = 0
	}
	switch {
	case x.class == nil:
		delete(f.failed, what)
	case again || len(f.failed) < maxFallbacks:
		why := x.className()
		if x.status > 0 {
			why = strconv.FormatInt(x.status, 10)
		}
		f.failed[what] = failure{
			fallback: fallback{from: proxy, why: why},
			next:     scan.Text(x.next),
			barred:   scan.Text(x.barred),
			query:    x.status/100 == 4 && x.isQuery(),
			guess:    x.notFound() && (scan.Is(x.kind, "list") || scan.Is(x.kind, "latest")),
			of:       pathOf(x),
			took:     before.took + max(x.phases[phaseTotal], x.phases[phaseWait]), // of a log, the latter
			missing:  x.notFound(),
		}
	}
}

// ends records the entry after a failed proxy. After another failure than 404 and 410, a ","
// may exclude it.
func (f *fallbacks) ends(next string, notFound bool) {
	if next == goproxy.Direct || next == goproxy.Off || next == goproxy.None && notFound {
		f.tail = next
	}
}

func (f *fallbacks) note(one fallback, lost time.Duration) {
	if f.count == nil {
		f.count = make(map[fallback]steps)
	}
	if s, known := f.count[one]; known || len(f.count) < maxFallbacks {
		f.count[one] = steps{s.count + 1, s.lost + lost}
	}
}

// evidence says what was lost before the next was asked.
func (f *fallbacks) evidence() (list []string) {
	var all steps
	from := make(map[string]bool)
	for one, s := range f.count {
		if one.to == goproxy.None || one.to == goproxy.Off {
			continue
		}
		all.count += s.count
		all.lost += s.lost
		from[one.from] = true
	}
	if all.lost < largeTime {
		return nil
	}
	took := human(all.lost)
	if all.count > 1 { // some maybe at once
		took = mean(all.lost, all.count) + " each (mean)"
	}
	return []string{fmt.Sprintf("%s took %s at %s before what comes next in GOPROXY was asked",
		several(all.count, "request", "requests"), took, strings.Join(slices.Sorted(maps.Keys(from)), ", "))}
}

// end ends a run: what failed last has only that after it which is no proxy.
// The processes of fetched ran a version control system. A package may be of
// several modules, which are asked for at once; that some of them do not exist, or
// are refused, has no consequence.
func (f *fallbacks) end(fetched map[int64]bool, asked *family, told *told) {
	lacked := f.lacked(fetched, asked)
	for _, last := range f.failed {
		if last.query && asked.excuses(last.of) {
			continue
		}
		switch last.next {
		case goproxy.Direct:
			if !fetched[last.of.pid] {
				continue
			}
			if last.missing && (!last.query || !lacked.hasBeside(last.of.plain())) {
				told.add(last.from, last.of.path)
			}
		case goproxy.None, goproxy.Off:
			if last.guess {
				continue
			}
		default:
			continue
		}
		last.to, last.fallback.barred = last.next, last.barred
		f.note(last.fallback, last.took)
	}
	clear(f.failed)
}

// lacked returns the paths that were asked for directly at the end. Of those that a package
// may be in, all are, and a request for more than the versions shows the module.
func (f *fallbacks) lacked(fetched map[int64]bool, asked *family) (paths family) {
	for _, last := range f.failed {
		if last.next == goproxy.Direct && last.missing && fetched[last.of.pid] && (!last.query || !asked.excuses(last.of)) {
			paths.note(last.of.plain())
		}
	}
	return paths
}

// follows says why an entry of GOPROXY was not asked, and how to change that.
func follows(barred string) string {
	return barred + " follows in GOPROXY, but behind a `,` it is asked only after 404 or 410: write `|`"
}

func (r *Report) fallbackTable() table {
	t := table{"Failed at one proxy, and what came then", [][]string{{"proxy", "answered", "then", "requests", "lost ms"}}}
	for _, f := range r.Fallbacks {
		to := clean(f.To)
		switch {
		case f.Barred != "":
			to = "nothing: " + clean(follows(f.Barred))
		case to == goproxy.None:
			to = "nothing: GOPROXY has no other for it"
		}
		t.rows = append(t.rows, []string{clean(f.From), clean(f.Why), to, strconv.FormatInt(f.Count, 10), number(f.Lost)})
	}
	return t
}
