package report

import (
	"slices"
	"time"
)

// proxy is the tally of one module proxy, or of one origin of other requests.
type proxy struct {
	tally
	modules     tally // of requests for modules
	conns       int64
	reused      int64 // exchanges
	retransmits int64
	outOfOrder  int64
	line        line
	links       links
	caching     caching
	via         []string // HTTP proxies
	hidden      bool     // its entry in GOPROXY has credentials
	blamed      string   // class of what a go command failed of, but that it lacks a module
	rtt         sketch
	handshake   sketch
}

func (p *proxy) exchange(x *exchangeEvent) {
	p.add(x)
	p.caching.add(x)
	if x.kind != nil {
		p.modules.add(x)
		p.hidden = p.hidden || x.credentials
	}
	if x.reused {
		p.reused++
	} else if x.known[phaseTLS] {
		p.handshake.add(x.phases[phaseTLS])
	}
}

// maxVia bounds the HTTP proxies listed for one proxy.
const maxVia = 8

// through records that requests go through an HTTP proxy.
func (p *proxy) through(via string) {
	if via != "" && len(p.via) < maxVia && !slices.Contains(p.via, via) {
		p.via = append(p.via, via)
	}
}

// proxyTable holds the asked proxies, by name.
type proxyTable struct{ byName[proxy] }

// busiest returns the proxy with most bytes and a known round-trip time, or nil.
func (l *proxyTable) busiest() *proxy {
	var most *proxy
	for _, p := range l.values {
		if p.rtt.count > 0 && (most == nil || p.bytes > most.bytes) {
			most = p
		}
	}
	return most
}

// mostWaitedFor returns the proxy with the longest total wait, or nil.
func (l *proxyTable) mostWaitedFor() *proxy {
	var most *proxy
	for _, p := range l.values {
		if p.wait.count > 0 && (most == nil || p.waited > most.waited) {
			most = p
		}
	}
	return most
}

func (l *proxyTable) received() (bytes int64, took time.Duration) {
	for _, p := range l.values {
		bytes += p.bulk
		took += p.receive
	}
	return bytes, took
}

// unread returns the bytes that processes had not read when they closed connections.
func (l *proxyTable) unread() (n int64) {
	for _, p := range l.values {
		n += p.links.unread
	}
	return n
}

// forModules returns the number of requests for modules.
func (l *proxyTable) forModules() (n int64) {
	for _, p := range l.values {
		n += p.modules.requests
	}
	return n
}
