package metrics

import (
	"cmp"
	"strconv"
	"time"

	"h2trace/export/scan"
)

// phaseKeys are the phases of a request: as in events, and as label values. The first three are
// those of its connection, which others that reuse it do not have.
var phaseKeys = [...]struct{ key, value string }{
	{"dns_ms", "dns"},
	{"connect_ms", "connect"},
	{"tls_ms", "tls"},
	{"send_ms", "send"},
	{"wait_ms", "wait"},
	{"receive_ms", "receive"},
}

const connPhases = 3

// exchange counts a request and its response. That a client asks an HTTP proxy for a tunnel is no
// request to a server, but a connection that is not made if the proxy refuses.
func (r *Recorder) exchange(e *scan.Object) {
	c := r.connOf(e, false)
	switch role := r.roleIn(c, e); role {
	case serverRole:
		r.served(e)
		return
	case unknownRole:
		r.vectors.requests.WithLabelValues(role).Inc()
		return
	}
	r.vectors.requests.WithLabelValues(clientRole).Inc()
	class := classOf(e)
	if string(e.Word("method")) == "CONNECT" && e.Has("via") {
		if class != "" && class != classAborted {
			r.vectors.failedConns.WithLabelValues(r.servers.get(remoteAddress("", e.Text("url"))).host, "connect").Inc()
		}
		return
	}
	s := r.servers.get(r.asked(e))
	c.carries(s, &r.vectors)
	if class != "" {
		r.vectors.requestErrors.WithLabelValues(s.host, s.port, class).Inc()
	}
	if took, ok := duration(e.Get("total_ms")); ok {
		r.series.client(attributesOf(e, s.address, class)).Observe(took.Seconds())
	}
	s.count(e, &r.vectors)
}

// roleIn returns the role of the process in an exchange: what the exchange says, or its connection,
// which may learn it so. Those of recordings without connections are of clients, as all were once.
func (r *Recorder) roleIn(c *conn, e *scan.Object) string {
	role := cmp.Or(roleOf(e), c.role)
	switch {
	case role == "" && (c.stray && r.strays.any() || c.opened != ""):
		return unknownRole
	case role != "" && c.opened == unknownRole:
		r.vectors.openConns.WithLabelValues(unknownRole).Dec()
		r.vectors.openConns.WithLabelValues(role).Inc()
		c.role, c.opened = role, role
	}
	return cmp.Or(role, clientRole)
}

// asked returns the address of the module proxy that a request is for, or else that in its URL.
func (r *Recorder) asked(e *scan.Object) address {
	if proxy := scan.Bytes(e.Within("module", "proxy")); len(proxy) > 0 {
		return r.servers.origin(proxy)
	}
	return r.servers.origin(e.Word("url"))
}

// served counts a request to an observed process.
func (r *Recorder) served(e *scan.Object) {
	r.vectors.requests.WithLabelValues(serverRole).Inc()
	took, ok := duration(e.Get("total_ms"))
	if !ok {
		return
	}
	r.series.server(attributesOf(e, address{schemeOf(e.Word("url")), ""}, classOf(e))).Observe(took.Seconds())
}

// schemeOf returns that of a URL, "" if it is not one of HTTP.
func schemeOf(rawURL []byte) string {
	for scheme := range defaultPorts {
		if len(rawURL) > len(scheme) && string(rawURL[:len(scheme)]) == scheme && rawURL[len(scheme)] == ':' {
			return scheme
		}
	}
	return ""
}

// attributesOf returns the attributes of a request. As the conventions have it, the type of an
// error is the status if that is one.
func attributesOf(e *scan.Object, place address, class string) attributes {
	a := attributes{place: place, method: methodOf(e.Word("method")), errorType: class}
	if n, ok := scan.Integer(e.Get("status")); ok && n >= 100 && n <= 999 {
		a.status = n
	}
	if a.status >= 400 {
		a.errorType = strconv.FormatInt(a.status, 10)
	}
	return a
}

// count counts phases, bytes and stalls of a request.
func (s *serverSeries) count(e *scan.Object, v *vectors) {
	for i, p := range phaseKeys {
		took, ok := duration(e.Get(p.key))
		if !ok || i < connPhases && !e.Is("reused", "false") {
			continue
		}
		if s.phases[i] == nil {
			s.phases[i] = v.requestPhases.WithLabelValues(s.host, s.port, p.value)
		}
		s.phases[i].Observe(took.Seconds())
	}
	s.counter(&s.requestBytes, v.requestBytes).Add(number(e.Get("request_bytes")))
	s.counter(&s.responseBytes, v.responseBytes).Add(number(e.Get("response_bytes")))
	if stall, ok := duration(e.Within("stall_ms", recvWindow)); ok {
		s.counter(&s.recvStalls, v.requestStalls, recvWindow).Add(stall.Seconds())
	}
	if stall, ok := duration(e.Within("stall_ms", sendWindow)); ok {
		s.counter(&s.sendStalls, v.requestStalls, sendWindow).Add(stall.Seconds())
	}
}

// duration returns a time of an event, and false for null and what no clock can have measured.
func duration(v []byte) (time.Duration, bool) {
	d, ok := scan.Millis(v)
	return d, ok && d >= 0 && d <= maxTime
}

// number returns a number of an event that is not negative, and 0 for null and all else.
func number(v []byte) float64 {
	n, _ := scan.Integer(v)
	return float64(max(n, 0))
}
