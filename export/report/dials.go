package report

import (
	"slices"
	"strings"
	"time"

	"h2trace/decoder/goproxy"
	"h2trace/export/scan"
)

// dials holds the connections of a run, and the failed attempts.
type dials struct {
	failed     []failedDial
	open       map[dialed]reached // the last
	asked      map[string]bool    // proxies that were sent a request
	complaints []dialComplaint
	// first is the first address of a proxy that a process failed to reach. A process
	// tries several addresses for the same request.
	first map[string]string
}

// dialed is a process, and a peer that it connects to.
type dialed struct {
	pid  int64
	peer string
}

// reached is the address of an opened connection.
type reached struct {
	at     wallTime
	remote string
	took   time.Duration // the connect
}

// failedDial is a failed connection.
type failedDial struct {
	peer, class, text string
	via               string // HTTP proxy
	proxy, next       string // in GOPROXY
	barred            string
	again             bool // after a failure at another address
	remote            string
	took              time.Duration // the connect
	why               dialEnd
	pid               int64
	since             wallTime // when the process began
	of                *suspect
}

// Bounds on the memory of a run. Beyond them, later failures are dropped.
const (
	maxFailedDials = 1 << 10
	maxPeers       = 1 << 12
)

// peer returns the peer of a connection: a name, or else a port, as localhost has several
// addresses.
func (p *peerKeys) peer() string {
	if name := scan.Text(p.name); name != "" {
		return name
	}
	_, port, _ := cutLast(scan.Text(p.remote), ":")
	return ":" + port
}

func (m *dials) opened(e *openEvent) {
	if m.open == nil {
		m.open = make(map[dialed]reached)
	}
	if to := (dialed{e.pid, e.peer()}); len(m.open) < maxPeers || m.open[to].at != 0 {
		m.open[to] = reached{e.at, scan.Text(e.remote), e.phases[phaseConnect]}
	}
}

// fail takes a failed connection, which is attributed to a suspect.
func (m *dials) fail(e *failedEvent, of *suspect) {
	if len(m.failed) == maxFailedDials || e.server {
		return // the client reports its failed connections
	}
	u := failedDial{peer: e.peer(), class: e.className(), via: scan.Text(e.via), pid: e.pid, since: e.at, of: of}
	u.took, u.why = e.phases[phaseConnect], dialEndOf(scan.Text(e.detail))
	u.proxy, u.next, u.barred = scan.Text(e.proxy), scan.Text(e.next), scan.Text(e.barred)
	u.since = u.since.add(-e.phases[phaseDNS] - e.phases[phaseConnect])
	remote := scan.Text(e.remote)
	u.remote = remote
	what := []string{scan.Text(e.name), remote}
	u.text = strings.Trim(strings.Join(what, " "), " ") + ": " + scan.Text(e.detail)
	if u.proxy != "" {
		u.again = m.again(u.proxy, u.class, remote)
	}
	m.failed = append(m.failed, u)
}

// again reports whether a proxy failed in the same way before, at another address.
func (m *dials) again(proxy, class, remote string) bool {
	if m.first == nil {
		m.first = make(map[string]string)
	}
	key := class + " " + proxy
	if first, ok := m.first[key]; ok {
		return first != remote
	}
	m.first[key] = remote
	return false
}

// asks records a request to a proxy.
func (m *dials) asks(proxy string) {
	if m.asked == nil {
		m.asked = make(map[string]bool)
	}
	if len(m.asked) < maxProxies {
		m.asked[proxy] = true
	}
}

// end counts the failures. A process that tries several addresses of a name succeeds with
// the one that answers (RFC 8305).
func (m *dials) end(of *sums, said *said) {
	counted := make(map[string]bool) // proxies
	for _, u := range m.failed {
		if to := m.open[dialed{u.pid, u.peer}]; u.class != "tls" && to.at >= u.since {
			if u.of != nil {
				u.of.instead = to.remote
			}
			if u.class == "connect" && u.remote != to.remote && u.alike(&to) {
				of.vains.add(&u, &to)
			}
			continue
		}
		of.relays.failed(u.via, u.class)
		if !u.again {
			of.measures.unreached()
		}
		if !said.speaksOf(&u) {
			of.ledger.dials.note(u.class, behind(u.via, u.text), u.via)
		}
		if u.proxy != "" && !u.again && m.fallback(of, &u) {
			counted[u.proxy] = true
		}
	}
	for _, c := range m.complaints {
		c.end(&of.tables, m, counted)
	}
}

// fallback counts the failure of an unreachable proxy as one of a request to it. It reports
// whether the go command then tried the entry after that proxy.
func (m *dials) fallback(of *sums, u *failedDial) bool {
	of.chain.ends(u.next, false)
	switch u.next {
	case goproxy.None, goproxy.Off:
	case goproxy.Direct:
		if !of.direct.fetched[u.pid] {
			return false
		}
	default:
		tried := func(o failedDial) bool { return o.proxy == u.next }
		if !m.asked[u.next] && !slices.ContainsFunc(m.failed, tried) {
			return false
		}
	}
	of.tables.unreached(u.proxy, u.class, true)
	of.chain.note(fallback{from: u.proxy, to: u.next, why: u.class, barred: u.barred}, u.took)
	return true
}
