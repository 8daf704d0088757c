package report

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"h2trace/export/scan"
)

// links is what the closed connections to one server showed, beside their losses.
type links struct {
	http1, http2  int64 // connections
	offered       int64 // of the first, those whose client offered HTTP/2
	unoffered     int64 // and those whose client is known not to
	full, resumed int64 // handshakes
	issuer        string
	crowd         crowd
	hops          int64      // most, 0 unknown
	mss           int64      // least, bytes, 0 unknown
	inside        bool       // the server has a private address
	periods       []interval // of connections of this run
	most          int64      // connections at once
	anew          int64      // those that a process opened after an answer on another one
	unread        int64      // bytes that the process had not read at the close
}

// crowd is how many streams one connection carried at once, and the limit of the server, 0
// without one.
type crowd struct{ peak, allowed int64 }

// full reports whether the limit was reached.
func (c crowd) full() bool { return c.allowed > 0 && c.peak >= c.allowed }

// maxOpened bounds the connections of which it is kept when they were open.
const maxOpened = 1 << 12

// over takes when a connection was open. That is known at its end: with a request on each of
// many connections, one is closed before the request of the next is told.
func (l *links) over(i interval) {
	if len(l.periods) == maxOpened {
		l.endRun()
	}
	l.periods = append(l.periods, i)
}

// endRun counts the connections at once.
func (l *links) endRun() {
	ends := make([]wallTime, 0, len(l.periods))
	for _, i := range l.periods {
		ends = append(ends, i.end)
	}
	slices.Sort(ends)
	slices.SortFunc(l.periods, func(a, b interval) int { return cmp.Compare(a.begin, b.begin) })
	ended := 0
	for n, i := range l.periods {
		for ended < n && ends[ended] <= i.begin {
			ended++
		}
		l.most = max(l.most, int64(n+1-ended))
	}
	l.periods = l.periods[:0]
}

// closed takes a connection that was closed.
func (l *links) closed(e *closeEvent) {
	switch {
	case scan.Is(e.protocol, "h2"):
		l.http2++
	case scan.Is(e.protocol, "http/1.1") && e.secrecy == versionTLS:
		l.http1++
		switch {
		case bytes.Contains(e.offeredALPN, []byte(`"h2"`)):
			l.offered++
		case bytes.HasPrefix(e.offeredALPN, []byte("[")):
			l.unoffered++
		}
	}
	switch string(e.resumed) {
	case "true":
		l.resumed++
	case "false":
		l.full++
	}
	if string(e.issuerPublic) == "false" && l.issuer == "" {
		l.issuer = scan.Text(e.issuer)
	}
	if e.crowd.full() && !l.crowd.full() || e.crowd.full() == l.crowd.full() && e.crowd.peak > l.crowd.peak {
		l.crowd = e.crowd
	}
	l.unread += e.unread
	l.hops = max(l.hops, hopsOf(e.ttl))
	if l.mss == 0 || e.mss > 0 && e.mss < l.mss {
		l.mss = e.mss
	}
	if at, err := netip.ParseAddrPort(scan.Text(e.remote)); err == nil {
		l.inside = l.inside || within(at.Addr())
	}
}

// hopsOf returns how many routers a packet has passed, by its time to live: systems begin
// with 64, 128 or 255.
func hopsOf(ttl int64) int64 {
	for _, begin := range [...]int64{64, 128, 255} {
		if ttl > 0 && ttl <= begin {
			return begin - ttl
		}
	}
	return 0
}

// smallMSS is the largest MSS, in bytes, that tells of a tunnel: Ethernet has 1,460, or 1,440
// with IPv6, less 12 for time stamps.
const smallMSS = 1380

// way describes the way to a server, "" if nothing is known of it.
func (l *links) way() string {
	switch {
	case l.mss > 0 && l.mss <= smallMSS && l.hops > 0:
		return fmt.Sprintf("%s away, and a TCP segment holds only %d bytes, as in a tunnel", several(l.hops, "router", "routers"), l.mss)
	case l.mss > 0 && l.mss <= smallMSS:
		return fmt.Sprintf("reached in TCP segments of only %d bytes, as in a tunnel", l.mss)
	case l.hops > 0:
		return several(l.hops, "router", "routers") + " away"
	}
	return ""
}

// fewRequests is how many requests to a server say nothing of how it holds connections.
const fewRequests = 4

// evidence returns lines on the connections to a server. Those on its speed are for a cause
// that they may explain.
func (p *proxy) evidence(name string, cause Cause) (list []string) {
	l := &p.links
	if l.issuer != "" {
		list = append(list, fmt.Sprintf("TLS with %s is opened by %s, no public authority: the server has a certificate of its own, or something on the way reads along", name, l.issuer))
	}
	if p.requests < fewRequests {
		return list
	}
	switch cause {
	case DNS, Connect, TLS, ServerWait, Bandwidth, PacketLoss:
	default:
		return list
	}
	if l.http1 > 0 && l.http2 == 0 {
		why := ""
		switch {
		case l.offered > 0:
			why = ": the server did not choose HTTP/2, which the client offered"
		case l.unoffered > 0:
			why = ": the client offered no HTTP/2"
		}
		list = append(list, fmt.Sprintf("%s was asked over HTTP/1.1 only, one request at a time on each of %s, at most %d at once%s", name, several(l.http1, "connection", "connections"), l.most, why))
	}
	if p.reused == 0 && l.anew >= fewRequests-1 {
		list = append(list, fmt.Sprintf("no connection to %s served a second request: one side closes them (keep-alive), and each request pays for a new one", name))
	}
	if n := l.full + l.resumed; cause == TLS && n > 1 {
		list = append(list, fmt.Sprintf("%d of %d handshakes with %s resumed a session", l.resumed, n, name))
	}
	if l.crowd.full() {
		list = append(list, fmt.Sprintf("%s allows %d streams at once on a connection (MAX_CONCURRENT_STREAMS), and all were in use: further requests wait, or take another connection", name, l.crowd.allowed))
	}
	to := name
	if len(p.via) > 0 {
		to = "the HTTP proxy " + p.via[0]
	}
	if way := l.way(); way != "" && cause != DNS && len(p.via) < 2 {
		list = append(list, to+" is "+way)
	}
	return append(list, p.caching.evidence(name, cause)...)
}

// mostAsked is how many servers the evidence is on.
const mostAsked = 3

// evidence returns the lines on the servers that were asked most.
func (l *proxyTable) evidence(cause Cause) (list []string) {
	names := slices.SortedFunc(maps.Keys(l.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.values[b].requests, l.values[a].requests), cmp.Compare(a, b))
	})
	if i := slices.Index(names, ""); i >= 0 { // requests that began before the observation
		names = slices.Delete(names, i, i+1)
	}
	for _, name := range names[:min(len(names), mostAsked)] {
		list = append(list, l.values[name].evidence(name, cause)...)
	}
	return list
}

// caching is what caches and servers said of their responses.
type caching struct {
	hits, misses          int64
	hitWaited, missWaited time.Duration
	spent                 map[string]time.Duration // by metric of Server-Timing
	timed                 int64                    // responses with such
	timedWaited           time.Duration
}

// maxMetrics bounds the metrics of a proxy.
const maxMetrics = 16

func (c *caching) add(x *exchangeEvent) {
	switch {
	case scan.Is(x.cache, "hit"):
		c.hits++
		c.hitWaited += x.phases[phaseWait]
	case scan.Is(x.cache, "miss"):
		c.misses++
		c.missWaited += x.phases[phaseWait]
	}
	if x.serverTiming == nil {
		return
	}
	before := c.timed
	scan.Members(x.serverTiming, func(name, v []byte) {
		took, ok := scan.Millis(v)
		if !ok {
			return
		}
		if c.timed == before {
			c.timed++
			c.timedWaited += x.phases[phaseWait]
		}
		if c.spent == nil {
			c.spent = make(map[string]time.Duration)
		}
		if _, known := c.spent[string(name)]; known || len(c.spent) < maxMetrics {
			c.spent[string(name)] += took
		}
	})
}

func mean(sum time.Duration, n int64) string {
	return human(sum / time.Duration(max(n, 1)))
}

func (c *caching) evidence(name string, cause Cause) (list []string) {
	if cause != ServerWait {
		return nil
	}
	switch {
	case c.misses > 0 && c.hits > 0:
		list = append(list, fmt.Sprintf("caches before %s had %d of %d responses (mean wait %s), and had to fetch the others (%s)",
			name, c.hits, c.hits+c.misses, mean(c.hitWaited, c.hits), mean(c.missWaited, c.misses)))
	case c.misses > 0:
		list = append(list, fmt.Sprintf("caches before %s had none of %d responses, and had to fetch them (mean wait %s)",
			name, c.misses, mean(c.missWaited, c.misses)))
	case c.hits > 0:
		list = append(list, fmt.Sprintf("caches before %s had all of %d responses (mean wait %s)", name, c.hits, mean(c.hitWaited, c.hits)))
	}
	if c.timed > 0 {
		var split bytes.Buffer
		for i, metric := range slices.SortedFunc(maps.Keys(c.spent), func(a, b string) int {
			return cmp.Or(cmp.Compare(c.spent[b], c.spent[a]), cmp.Compare(a, b))
		}) {
			if i > 0 {
				split.WriteString(", ")
			}
			fmt.Fprintf(&split, "%s %s", metric, mean(c.spent[metric], c.timed))
		}
		list = append(list, fmt.Sprintf("%s says where %s went (Server-Timing, mean of %s): %s",
			name, mean(c.timedWaited, c.timed), several(c.timed, "response", "responses"), split.String()))
	}
	return list
}

// shared are the addresses between a provider and its customers, which overlay networks
// use, too (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// within reports whether an address has a meaning in a network alone, and none outside.
func within(ip netip.Addr) bool {
	return ip.IsPrivate() || shared.Contains(ip.Unmap()) || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}
