package report

import (
	"strings"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// dialComplaint is a complaint of a go command about an unreachable server.
type dialComplaint struct{ of *trouble }

// complain takes a complaint, if it is about an unreachable server.
func (m *dials) complain(t *trouble) {
	if t.via != "" || t.url == "" || len(m.complaints) == maxSaid {
		return // about the HTTP proxy: its failed connection says the same
	}
	switch t.class {
	case "dns", "connect", "tls":
		m.complaints = append(m.complaints, dialComplaint{t})
	}
}

// end attributes a complaint to a proxy or a host. Failed connections give the number of
// failed requests, as a go command complains once about several. A complaint counts only if
// no failed connection is known.
func (c *dialComplaint) end(of *tables, m *dials, counted map[string]bool) {
	t := c.of
	name := proxyOf(t.url)
	if u := m.entry(t.url); u != nil {
		name, t.barred = u.proxy, u.barred
	}
	_, module := goproxy.Parse(redact.Parseable(t.url))
	if !counted[name] {
		of.unreached(name, t.class, module)
	}
	if t.proxy == "" {
		return
	}
	t.proxy = name
	of.blame(name, t.class)
}

// entry returns a failed connection to the proxy in GOPROXY that a URL belongs to, or
// nil.
func (m *dials) entry(rawURL string) (of *failedDial) {
	u, ok := parseURL(rawURL)
	if !ok {
		return nil
	}
	at := u.Scheme + "://" + u.Host + u.Path
	for i := range m.failed {
		one := &m.failed[i]
		if one.proxy != "" && strings.HasPrefix(at, one.proxy+"/") && (of == nil || len(one.proxy) > len(of.proxy)) {
			of = one
		}
	}
	return of
}
