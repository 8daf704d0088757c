package report

import (
	"net/url"
	"strings"

	"h2trace/decoder/goproxy"
)

// dialComplaint is a complaint of a go command of a server that it did not reach.
type dialComplaint struct{ of *trouble }

// complain notes what a go command complains of, if it is that.
func (m *dials) complain(t *trouble) {
	if t.via != "" || t.url == "" || len(m.complaints) == maxSaid {
		return // of the HTTP proxy, on the way to which the packets tell the same
	}
	switch t.class {
	case "dns", "connect", "tls":
		m.complaints = append(m.complaints, dialComplaint{t})
	}
}

// end holds a complaint against a proxy, or a host. Connections that were not made tell
// how many requests failed, as a go command complains once of several; its complaints
// count where none of these is known.
func (c *dialComplaint) end(of *tables, m *dials, counted map[string]bool) {
	t := c.of
	name := proxyOf(t.url)
	if u := m.entry(t.url); u != nil {
		name, t.barred = u.proxy, u.barred
	}
	_, module := goproxy.Parse(t.url)
	if !counted[name] {
		of.unreached(name, t.class, module)
	}
	if t.proxy == "" {
		return
	}
	t.proxy = name
	of.blame(name, t.class)
}

// entry returns a connection that was not made to the proxy in GOPROXY that a URL is
// of, or nil.
func (m *dials) entry(rawURL string) (of *failedDial) {
	u, err := url.Parse(strings.ReplaceAll(rawURL, "<redacted>", "redacted"))
	if err != nil {
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
