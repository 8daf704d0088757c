package trace

import "h2trace/decoder"

// innermost are the connections that use sockets, of each the innermost.
type innermost map[socket]*tracedConn

// enter notes that a connection uses its socket. If another one does already,
// this one goes through its tunnel, and the peer of that is an HTTP proxy.
func (in innermost) enter(c *tracedConn) {
	at := c.socket()
	if !at.remote.IsValid() || c.event.Role != decoder.Client {
		return
	}
	outer := in[at]
	in[at] = c
	switch {
	case outer != nil && outer.end == nil && outer.mayHold(&c.connInfo):
		c.beside = outer
	case outer != nil && outer.end == nil && outer.carries():
		c.event.Via = outer.asProxy()
	case c.scheme == "https":
		// TLS to a proxy that is spoken to with TLS is not yet through it.
		if p, ok := c.source.HTTPProxies().At(at.remote, c.event.Name); ok && p.Scheme != "https" {
			c.event.Via = p.URL
		}
	}
}

// leave drops a connection.
func (in innermost) leave(c *tracedConn) {
	at := c.socket()
	if in[at] == c {
		delete(in, at)
	}
}

// carries reports whether TLS may begin inside of a connection. HTTP/2 has its
// tunnels in streams.
func (c *tracedConn) carries() bool {
	return c.tunnel || c.scheme == "https" && c.decoder.Protocol() != decoder.HTTP2
}
