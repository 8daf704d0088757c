package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"h2trace/export/scan"
)

// maxRelays bounds the distinguished HTTP proxies.
const maxRelays = 64

// relay is an HTTP proxy between clients and servers.
type relay struct {
	requests, conns int64
	failures        map[string]int64 // of itself, by class
}

type relays struct{ byName[relay] }

func (r *relays) get(name string) *relay {
	if name == "" {
		return nil
	}
	if r.values == nil {
		r.byName = newByName[relay](maxRelays)
	}
	return r.byName.get(name)
}

// exchange takes an exchange, and reports whether it is one with the HTTP proxy itself: a
// CONNECT. A refused CONNECT is a failed connection.
func (r *relays) exchange(x *exchangeEvent, f *failures) bool {
	via := scan.Text(x.via)
	one := r.get(via)
	if !scan.Is(x.method, "CONNECT") || via == "" {
		if one != nil {
			one.requests++
		}
		return false
	}
	if x.class != nil && !scan.Is(x.class, "aborted") {
		r.failed(via, "connect")
		f.note("connect", behind(via, "CONNECT "+scan.Text(x.url)+": "+scan.Text(x.detail)), via)
		f.time += x.phases[phaseTotal]
		put(&f.connects, x.pid, f.connects[x.pid]+1)
	}
	return true
}

// conn takes a connection that carried its first exchange.
func (r *relays) conn(x *exchangeEvent) {
	if one := r.get(scan.Text(x.via)); one != nil {
		one.conns++
	}
}

// failed takes a failed connection to a relay, or through it.
func (r *relays) failed(via, class string) {
	one := r.get(via)
	if one == nil {
		return
	}
	if one.failures == nil {
		one.failures = make(map[string]int64)
	}
	one.failures[class]++
}

// behind says that a failure is that of an HTTP proxy.
func behind(via, text string) string {
	if via == "" {
		return text
	}
	return "HTTP proxy " + via + ": " + text
}

// relayAdvice is the advice if one HTTP proxy has all failures of a cause.
var relayAdvice = map[Cause]string{
	DNS:     "the name of the HTTP proxy %s could not be resolved: look at HTTPS_PROXY, and at the resolver",
	Connect: "the HTTP proxy %s could not be reached, or refused: look at HTTPS_PROXY, and at the proxy",
	TLS:     "TLS handshakes with the HTTP proxy %s, or through it, failed: look at the certificate, which may be that proxy's",
}

// HTTPProxy is the tally of an HTTP proxy. Failures counts failed connections to it or
// through it.
type HTTPProxy struct {
	Proxy    string           `json:"proxy"`
	Requests int64            `json:"requests"`
	Conns    int64            `json:"conns"`
	Failures map[string]int64 `json:"failures"`
}

func (r *relays) report() []HTTPProxy {
	list := []HTTPProxy{}
	for name, one := range r.values {
		failures := map[string]int64{}
		maps.Copy(failures, one.failures)
		list = append(list, HTTPProxy{name, one.requests, one.conns, failures})
	}
	slices.SortFunc(list, func(a, b HTTPProxy) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Proxy, b.Proxy))
	})
	return list
}

func (r *Report) httpProxyTable() table {
	t := table{"Through HTTP proxies", [][]string{{"HTTP proxy", "requests", "conns", "not made"}}}
	for _, p := range r.HTTPProxies {
		t.rows = append(t.rows, []string{clean(p.Proxy), fmt.Sprint(p.Requests), fmt.Sprint(p.Conns), failureCell(p.Failures)})
	}
	return t
}
