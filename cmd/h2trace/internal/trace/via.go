package trace

import "h2trace/decoder"

// innermost holds the innermost connection on each socket.
type innermost map[socket]*tracedConn

// enter notes that a connection uses its socket. If another connection already does,
// this one is inside its tunnel, and the peer is an HTTP proxy.
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
		// TLS to an HTTPS proxy does not go through the proxy yet.
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

// carries reports whether TLS may begin inside a connection. In HTTP/2 a tunnel is a
// stream.
func (c *tracedConn) carries() bool {
	return c.tunnel || c.scheme == "https" && c.decoder.Protocol() != decoder.HTTP2
}
