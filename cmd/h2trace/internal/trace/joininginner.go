package trace

import (
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
)

// holds reports whether a connection that was open before carries TLS: from then on its
// plaintext is for the connection inside of it. A record begins the plaintext then.
func (t *tlsConn) holds(at ktime.Time, b []byte) bool {
	c := t.conn
	if t.tunnel || t.joint == nil {
		return t.tunnel
	}
	if c.inner != nil || c.outer != nil || c.decoder.Decided() || !isRecord(b) {
		return false
	}
	t.tunnel, c.tunnel = true, true
	c.table.recovery.leave(c)
	c.inner = c.table.addInner(c, at)
	c.inner.beside = nil
	c.inner.event.Via = c.asProxy()
	if record.ContentType(b[0]) == record.ApplicationData {
		c.table.joinsInner(c, at)
	}
	return true
}

// joinsInner takes a TLS connection inside of another, both open before.
func (t *connTable) joinsInner(outer *tracedConn, at ktime.Time) {
	c := outer.inner
	own := c.wire.tls
	delete(t.ciphers.awaited.conns, c)
	config := t.config
	config.Role = c.event.Role
	c.follow(config) // not from its start
	own.replace(tls.NewJoined(t.ciphers.budget, t.ciphers.sessions))
	own.heard, own.joint = at, &joint{}
	t.ciphers.joining.await(c)
	t.ciphers.joining.join(outer, at)
}
