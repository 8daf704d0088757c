package trace

import (
	"cmp"
	"net/url"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// through returns the HTTP proxy of an exchange, or "".
func (c *connInfo) through(e *exchange.Exchange) string {
	if e.ToProxy && c.event.Role == decoder.Client {
		if e.Method == "CONNECT" && e.Status/100 == 2 {
			c.tunnel = true
		}
		return cmp.Or(c.event.Via, c.asProxy())
	}
	if c.event.Via != "" || c.event.Role != decoder.Client || !c.event.Remote.IsValid() {
		return c.event.Via
	}
	// No lookup of the proxy was seen. The exchange went through the proxy if net/http
	// uses it for this URL, and the port is that of the proxy and not of the origin.
	p, ok := c.source.HTTPProxies().ForURL(e.URL)
	if !ok || p.Scheme == "https" || p.Is(c.event.Remote, c.event.Name) != fetchenv.Perhaps {
		return ""
	}
	if u, err := url.Parse(e.URL); err != nil || fetchenv.PortOf(u) == p.Port {
		return ""
	}
	c.event.Via = p.URL
	return p.URL
}
