package trace

import (
	"cmp"
	"net"
	"net/url"
	"strconv"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// socket is what the connections have in common that one socket carries: that
// to an HTTP proxy, and the one inside to the origin.
type socket struct {
	pid int
	endpoints
}

func (c *tracedConn) socket() socket { return socket{c.meta.PID, c.endpoints()} }

// enter notes that a connection uses its socket. If another one does already,
// this one goes through its tunnel, and the peer of that is an HTTP proxy.
func (t *connTable) enter(c *tracedConn) {
	at := c.socket()
	if !at.remote.IsValid() || c.event.Role != decoder.Client {
		return
	}
	outer := t.sockets[at]
	t.sockets[at] = c
	switch {
	case outer != nil && outer.end == nil && outer.mayHold(c):
		c.beside = outer
	case outer != nil && outer.end == nil && outer.carries():
		c.event.Via = outer.asProxy()
	case c.scheme() == "https":
		// TLS to a proxy that is spoken to with TLS is not yet through it.
		if p, ok := c.source.HTTPProxies().At(at.remote, c.event.Name); ok && p.Scheme != "https" {
			c.event.Via = p.URL
		}
	}
}

// leave drops a connection.
func (t *connTable) leave(c *tracedConn) {
	at := c.socket()
	if t.sockets[at] == c {
		delete(t.sockets, at)
	}
}

// carries reports whether TLS may begin inside of a connection. HTTP/2 has its
// tunnels in streams.
func (c *tracedConn) carries() bool {
	return c.tunnel || c.scheme() == "https" && c.decoder.Protocol() != decoder.HTTP2
}

// scheme is that of the requests on a connection.
func (c *tracedConn) scheme() string {
	if c.cleartext != nil {
		return "http"
	}
	return "https"
}

// asProxy returns what the peer of a connection is called, if it is an HTTP
// proxy: as the environment of the process has it, or else by what is known of it.
func (c *tracedConn) asProxy() string {
	if p, ok := c.source.HTTPProxies().At(c.event.Remote, c.event.Name); ok {
		return p.URL
	}
	if !c.event.Remote.IsValid() {
		return ""
	}
	host := c.event.Remote.Addr().Unmap().String()
	if c.event.TLS != nil {
		host = cmp.Or(c.event.TLS.SNI, c.event.Name, host)
	}
	return c.scheme() + "://" + net.JoinHostPort(host, strconv.Itoa(int(c.event.Remote.Port())))
}

// through returns the HTTP proxy that an exchange went through, or empty.
func (c *tracedConn) through(e *exchange.Exchange) string {
	if e.ToProxy && c.event.Role == decoder.Client {
		if e.Method == "CONNECT" && e.Status/100 == 2 {
			c.tunnel = true
		}
		return cmp.Or(c.event.Via, c.asProxy())
	}
	if c.event.Via != "" || c.event.Role != decoder.Client || !c.event.Remote.IsValid() {
		return c.event.Via
	}
	// The name of the proxy was not seen to be resolved. If net/http is to use
	// it for this URL, and the port is the proxy's and not the origin's, it did.
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
