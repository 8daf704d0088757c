package report

import (
	"time"
)

// The bounds on names. Further names are dropped and counted.
const (
	maxProxies = 256
	maxKinds   = 32
	maxModules = 1 << 15
)

// byName holds a bounded number of values by name.
type byName[T any] struct {
	values  map[string]*T
	limit   int
	leftOut int
}

func newByName[T any](limit int) byName[T] {
	return byName[T]{values: make(map[string]*T), limit: limit}
}

// get returns the value of a name, or nil without room for it.
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

// minBulk is the least size of a response whose speed is measured: two frames of default
// size. A smaller one may come all at once.
const minBulk = 32 << 10

// tally counts exchanges.
type tally struct {
	requests    int64
	logged      int64            // of them, those of logs: their bytes and redirects are unknown
	failures    map[string]int64 // by class
	missing     int64            // answered by 404 or 410
	excused     int64            // failed, without a consequence
	redirects   int64
	notModified int64 // answered by 304
	bytes       int64
	bulk        int64         // bytes of responses of at least minBulk
	receive     time.Duration // the time in which these came
	waited      time.Duration // sum of wait
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

// merge adds the requests of another tally.
func (t *tally) merge(o *tally) {
	t.requests += o.requests
	for class, n := range o.failures {
		if t.failures == nil {
			t.failures = make(map[string]int64)
		}
		t.failures[class] += n
	}
	t.missing += o.missing
	t.excused += o.excused
	t.redirects += o.redirects
	t.notModified += o.notModified
	t.bytes += o.bytes
	t.bulk += o.bulk
	t.receive += o.receive
	t.waited += o.waited
	t.wait.merge(&o.wait)
	t.total.merge(&o.total)
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

// excuse uncounts a failure without a consequence.
func (t *tally) excuse(of *trouble) {
	if t.failures[of.class]--; t.failures[of.class] <= 0 {
		delete(t.failures, of.class)
	}
	if of.status == 404 || of.status == 410 {
		t.missing--
	}
	t.excused++
}

// module is the tally of one version of a module.
type module struct {
	requests, failures, bytes int64
	logged                    int64         // requests of logs, whose bytes and total are unknown
	untimed                   int64         // of them, without a time
	total                     time.Duration // of all its requests
	longest, stalled          time.Duration
	waited, longestWait       time.Duration // of these, until the response began
}

func (m *module) add(x *exchangeEvent) {
	m.requests++
	m.bytes += x.bytes
	if x.class != nil {
		m.failures++
	}
	m.total += x.phases[phaseTotal]
	m.stalled += x.recv + x.send
	m.longest = max(m.longest, x.phases[phaseTotal])
	m.waited += x.phases[phaseWait]
	m.longestWait = max(m.longestWait, x.phases[phaseWait])
}
