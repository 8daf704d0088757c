package report

import (
	"net/http"
	"time"

	"h2trace/export/scan"
)

// metric is a time that a distribution is kept of.
type metric int

// The metrics: of requests, of connections, and of requests stalled by flow control.
const (
	metricWait metric = iota
	metricTotal
	metricReceive
	metricDNS
	metricConnect
	metricTLS
	metricStall
	metricCount
)

var metricNames = [metricCount]string{"wait", "total", "receive", "dns", "connect", "tls", "stall"}

// distribution has the quantiles of times, and their exact maximum.
type distribution struct {
	sketch
	zeros   uint64
	longest time.Duration
}

func (d *distribution) add(t time.Duration) {
	d.sketch.add(t)
	if t <= 0 {
		d.zeros++
	}
	d.longest = max(d.longest, t)
}

// quantile returns the q-quantile in nanoseconds. 0 is exact.
func (d *distribution) quantile(q float64) (float64, bool) {
	if rank := max(q*float64(d.count), 1); d.count > 0 && rank <= float64(d.zeros) {
		return 0, true
	}
	return d.sketch.quantile(q)
}

// measures holds the distributions over all clients, and counts requests. A connection that
// was not made counts as a failed request, and a request that was repeated once.
type measures struct {
	of               [metricCount]distribution
	requests, failed int64
}

// exchange takes a request of a client.
func (m *measures) exchange(x *exchangeEvent) {
	m.requests++
	if x.fails() {
		m.failed++
	}
	if x.after != nil {
		m.requests--
		if !scan.Is(x.after, "aborted") {
			m.failed--
		}
	}
	m.phase(metricWait, &x.phaseKeys, phaseWait)
	m.phase(metricTotal, &x.phaseKeys, phaseTotal)
	m.phase(metricReceive, &x.phaseKeys, phaseReceive)
	if x.stallKnown {
		m.of[metricStall].add(x.recv + x.send)
	}
}

// logged takes a request of a log, which has the wait alone. bucket is that of the wait.
func (m *measures) logged(one *logged, bucket int) {
	m.requests++
	if one.class != "" && one.status != http.StatusNotFound && one.status != http.StatusGone {
		m.failed++
	}
	if one.known {
		wait := &m.of[metricWait]
		wait.addTo(bucket)
		if one.took <= 0 {
			wait.zeros++
		}
		wait.longest = max(wait.longest, one.took)
	}
}

// connection takes an opened or failed connection of a client.
func (m *measures) connection(p *phaseKeys) {
	m.phase(metricDNS, p, phaseDNS)
	m.phase(metricConnect, p, phaseConnect)
	m.phase(metricTLS, p, phaseTLS)
}

func (m *measures) phase(to metric, p *phaseKeys, phase int) {
	if p.known[phase] {
		m.of[to].add(p.phases[phase])
	}
}

// unreached counts a connection that was not made.
func (m *measures) unreached() {
	m.requests++
	m.failed++
}

// excuse uncounts a failure without a consequence.
func (m *measures) excuse(of *trouble) {
	if of.status != 404 && of.status != 410 && of.class != "aborted" {
		m.failed--
	}
}

// fails reports whether a request counts as a failure: it has no complete, successful
// response. That a proxy does not have a module is no failure, nor that the client lost
// interest before it had waited for long.
func (e *exchangeEvent) fails() bool {
	switch {
	case e.class == nil || e.notFound():
		return false
	case !scan.Is(e.class, "aborted"):
		return true
	case e.status == 0:
		return e.phases[phaseWait] >= longWait && !e.open
	}
	return e.silentKnown && e.silent >= longWait && !e.open
}

func (d *distribution) merge(o *distribution) {
	d.sketch.merge(&o.sketch)
	d.zeros += o.zeros
	d.longest = max(d.longest, o.longest)
}

func (m *measures) merge(o *measures) {
	for i := range m.of {
		m.of[i].merge(&o.of[i])
	}
	m.requests += o.requests
	m.failed += o.failed
}
