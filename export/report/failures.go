package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"h2trace/export/scan"
)

// kindOfFailure names a failure, in singular and plural.
type kindOfFailure struct{ one, more string }

var (
	complaining = kindOfFailure{"the go command complains", "the go command complains %d times"}
	unconnected = kindOfFailure{"1 connection failed", "%d connections failed"}
	unanswering = kindOfFailure{"1 request failed", "%d requests failed"}
	givenUp     = kindOfFailure{"1 request was given up", "%d requests were given up"}
)

// failures counts failures by class, with an example of each.
type failures struct {
	count   map[string]int64
	example map[string]string
	via     map[string]string   // by class: the HTTP proxy of all its failures, or ""
	first   map[string]*trouble // by class, if its details are known
	time    time.Duration       // of the failed exchanges

	what *kindOfFailure

	// For this run: the classes of exchanges, by key, and the CONNECT requests, by
	// process.
	of       map[string]string
	connects map[int64]int64
}

// classes holds the classes that are counted by name.
var classes = [...]string{
	"dns", "connect", "tls", "timeout", "reset", "goaway", "http_4xx", "http_5xx", "protocol", "checksum", "aborted",
	"vcs", "unavailable", "toolchain",
}

// classNamed returns the class of a failure, as written.
func classNamed(class []byte) string {
	for _, c := range classes {
		if scan.Is(class, c) {
			return c
		}
	}
	return "other"
}

func (f *failures) add(x *exchangeEvent) {
	if x.class == nil || x.notFound() || scan.Is(x.class, "aborted") {
		return
	}
	t := ofExchange(x)
	t.via = scan.Text(x.via)
	f.noteExchange(x, t)
	f.time += x.phases[phaseTotal]
}

// noteExchange counts the failure of an exchange. A later complaint may be about it.
func (f *failures) noteExchange(x *exchangeEvent, t *trouble) {
	f.noteOf(t)
	put(&f.of, x.key(), t.class)
}

// noteOf counts a failure with known details.
func (f *failures) noteOf(t *trouble) {
	f.note(t.class, t.line(), t.via)
	if f.first[t.class] == nil {
		put(&f.first, t.class, t)
	}
}

// takeBackOf uncounts the failure of one exchange.
func (f *failures) takeBackOf(key string) {
	if class, ok := f.of[key]; ok {
		delete(f.of, key)
		f.takeBack(class)
	}
}

// takeBackConnects uncounts the failed CONNECT requests of a process.
func (f *failures) takeBackConnects(pid int64) {
	for ; f.connects[pid] > 0; f.connects[pid]-- {
		f.takeBack("connect")
	}
}

// takeBack uncounts one failure: the request was repeated.
func (f *failures) takeBack(class string) {
	switch f.count[class] {
	case 0:
	case 1:
		delete(f.count, class)
		delete(f.example, class)
		delete(f.first, class)
	default:
		f.count[class]--
	}
}

// note counts a failure, at an HTTP proxy if via is not empty.
func (f *failures) note(class, example, via string) {
	if f.count == nil {
		f.count, f.example, f.via = make(map[string]int64), make(map[string]string), make(map[string]string)
	}
	if f.count[class]++; f.count[class] == 1 {
		f.example[class], f.via[class] = example, via
	}
	if f.via[class] != via {
		f.via[class] = ""
	}
}

// classes returns the classes of the failures, the most frequent first.
func (f *failures) classes() []string {
	return slices.SortedFunc(maps.Keys(f.count), func(x, y string) int {
		return cmp.Or(cmp.Compare(f.count[y], f.count[x]), cmp.Compare(x, y))
	})
}
