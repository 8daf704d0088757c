package report

import (
	"slices"
	"time"
)

// What is kept by name. Names beyond are left out, and counted.
const (
	maxProxies = 256
	maxKinds   = 32
	maxModules = 1 << 15
)

// byName holds values by name, up to a number of them.
type byName[T any] struct {
	values  map[string]*T
	limit   int
	leftOut int
}

func newByName[T any](limit int) byName[T] {
	return byName[T]{values: make(map[string]*T), limit: limit}
}

// get returns the value of a name, or nil when there is no room for it.
func (b *byName[T]) get(name string) *T {
	v := b.values[name]
	if v != nil {
		return v
	}
	if len(b.values) == b.limit {
		b.leftOut++
		return nil
	}
	v = new(T)
	b.values[name] = v
	return v
}

// minBulk is how large a response must be to tell how fast bytes come: two
// frames of default size. A smaller one may come all at once.
const minBulk = 32 << 10

// tally counts exchanges.
type tally struct {
	requests    int64
	failures    map[string]int64 // by class
	missing     int64            // answered by 404 or 410
	excused     int64            // failed, without a consequence
	redirects   int64
	notModified int64 // answered by 304
	bytes       int64
	bulk        int64         // bytes of responses of at least minBulk
	receive     time.Duration // in which those came
	waited      time.Duration // of all that are in wait
	wait, total sketch
}

func (t *tally) add(x *exchangeEvent) {
	t.requests++
	if x.class != nil {
		t.fail(x.className())
	}
	if x.notFound() {
		t.missing++
	}
	if x.redirect {
		t.redirects++
	}
	if x.status == 304 {
		t.notModified++
	}
	t.bytes += x.bytes
	if x.bytes >= minBulk && x.known[phaseReceive] {
		t.bulk += x.bytes
		t.receive += x.phases[phaseReceive]
	}
	if x.known[phaseWait] {
		t.wait.add(x.phases[phaseWait])
		t.waited += x.phases[phaseWait]
	}
	if x.known[phaseTotal] {
		t.total.add(x.phases[phaseTotal])
	}
}

// fail counts a failure.
func (t *tally) fail(class string) {
	if t.failures == nil {
		t.failures = make(map[string]int64)
	}
	t.failures[class]++
}

// rate returns the speed of large responses in MB/s.
func (t *tally) rate() (mbps float64, ok bool) {
	if t.receive == 0 {
		return 0, false
	}
	return float64(t.bulk) / 1e6 / (float64(t.receive) / 1e9), true
}

func (t *tally) failed() (n int64) {
	for _, count := range t.failures {
		n += count
	}
	return n
}

// proxy is the tally of one module proxy, or of one origin of other requests.
type proxy struct {
	tally
	modules     tally // of requests for modules
	conns       int64
	reused      int64 // exchanges
	retransmits int64
	outOfOrder  int64
	line        line
	via         []string // HTTP proxies
	blamed      string   // class of what a go command failed of, but that it lacks a module
	rtt         sketch
	handshake   sketch
}

func (p *proxy) exchange(x *exchangeEvent) {
	p.add(x)
	if x.kind != nil {
		p.modules.add(x)
	}
	if x.reused {
		p.reused++
	} else if x.known[phaseTLS] {
		p.handshake.add(x.phases[phaseTLS])
	}
}

// maxVia bounds the HTTP proxies that are told of one proxy.
const maxVia = 8

// through notes that requests go through an HTTP proxy.
func (p *proxy) through(via string) {
	if via != "" && len(p.via) < maxVia && !slices.Contains(p.via, via) {
		p.via = append(p.via, via)
	}
}

// module is the tally of one version of a module.
type module struct {
	requests, failures, bytes int64
	total                     time.Duration // of all its requests
	longest                   time.Duration
}

func (m *module) add(x *exchangeEvent) {
	m.requests++
	m.bytes += x.bytes
	if x.class != nil {
		m.failures++
	}
	m.total += x.phases[phaseTotal]
	m.longest = max(m.longest, x.phases[phaseTotal])
}

// windows is what is known of flow control.
type windows struct {
	least  [len(windowKeys)]credit
	stalls [2]stalls // send, recv
}

type stalls struct {
	count  int64
	total  time.Duration
	window int64 // the largest
}

func (w *windows) frame(e *frameEvent) {
	for i, c := range e.window {
		if l := &w.least[i]; c.known && (!l.known || c.bytes < l.bytes) {
			*l = c
		}
	}
}

func (w *windows) stall(e *stallEvent) {
	side := &w.stalls[0]
	if e.recv {
		side = &w.stalls[1]
	}
	side.count++
	side.total += e.length
	side.window = max(side.window, e.window)
}

// handshakes sums up TLS handshakes.
type handshakes struct {
	count          int64
	took, verified time.Duration
}

// add takes a handshake, and how long it took to verify the certificate.
func (h *handshakes) add(took, verify time.Duration) {
	if took > 0 {
		h.count++
		h.took += took
		h.verified += verify
	}
}

// kindOfFailure is how one failure is named, and more of them.
type kindOfFailure struct{ one, more string }

var (
	complaining = kindOfFailure{"the go command complains", "the go command complains %d times"}
	unconnected = kindOfFailure{"1 connection failed", "%d connections failed"}
	unanswering = kindOfFailure{"1 request failed", "%d requests failed"}
	givenUp     = kindOfFailure{"1 request was given up", "%d requests were given up"}
)

// failures is what failed, with an example of each class.
type failures struct {
	count   map[string]int64
	example map[string]string
	via     map[string]string   // the HTTP proxy that all of a class are of, or ""
	first   map[string]*trouble // where more is known of it
	time    time.Duration       // of the exchanges among them

	what *kindOfFailure

	// Of this run: the classes of exchanges, by key, and the CONNECT requests, by
	// process.
	of       map[string]string
	connects map[int64]int64
}

// classes are those that are counted by name.
var classes = [...]string{
	"dns", "connect", "tls", "timeout", "reset", "goaway", "http_4xx", "http_5xx", "protocol", "checksum", "aborted",
	"vcs", "unavailable", "toolchain",
}

// classNamed returns the class of a failure that is written so.
func classNamed(class []byte) string {
	for _, c := range classes {
		if is(class, c) {
			return c
		}
	}
	return "other"
}

func (f *failures) add(x *exchangeEvent) {
	if x.class == nil || x.notFound() || is(x.class, "aborted") {
		return
	}
	t := ofExchange(x)
	t.via = text(x.via)
	f.noteExchange(x, t)
	f.time += x.phases[phaseTotal]
}

// noteExchange counts the failure of an exchange, which a complaint may speak of.
func (f *failures) noteExchange(x *exchangeEvent, t *trouble) {
	f.noteOf(t)
	put(&f.of, x.key(), t.class)
}

// noteOf counts a failure of which more is known.
func (f *failures) noteOf(t *trouble) {
	f.note(t.class, t.line(), t.via)
	if f.first[t.class] == nil {
		put(&f.first, t.class, t)
	}
}

// takeBackOf takes back the failure of one exchange.
func (f *failures) takeBackOf(key string) {
	if class, ok := f.of[key]; ok {
		delete(f.of, key)
		f.takeBack(class)
	}
}

// takeBackConnects takes back those of the CONNECT requests of a process.
func (f *failures) takeBackConnects(pid int64) {
	for ; f.connects[pid] > 0; f.connects[pid]-- {
		f.takeBack("connect")
	}
}

// takeBack takes one failure back: the request was sent again.
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
