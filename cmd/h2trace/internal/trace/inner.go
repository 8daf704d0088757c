package trace

import (
	"bytes"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// innerConn is set in the number of a connection inside of another one, which the
// kernel does not know.
const innerConn = 1 << 61

// carried is bytes for the connection inside, or how many are missing.
type carried struct {
	chunk
	missing int64
}

// tunnel is what a connection carries for another one inside of it: TLS through an HTTP
// proxy. Bytes wait here until the call of the decoder that found them returns.
type tunnel struct {
	wanted bool
	list   []carried
}

// add keeps the next bytes of a direction.
func (t *tunnel) add(at ktime.Time, d decoder.Direction, b []byte) {
	t.list = append(t.list, carried{chunk: chunk{at, d, bytes.Clone(b)}})
}

// addMissing notes that bytes are missing. Of an unknown number nothing follows.
func (t *tunnel) addMissing(at ktime.Time, d decoder.Direction, n int64) {
	if n > 0 {
		t.list = append(t.list, carried{chunk: chunk{at: at, dir: d}, missing: n})
	}
}

// passOn gives the connection inside what the last call of the decoder found for it.
func (c *tracedConn) passOn() {
	list := c.exchanges.tunnel.list
	if len(list) == 0 {
		return
	}
	c.exchanges.tunnel.list = nil
	if c.inner == nil {
		c.inner = c.table.addInner(c, list[0].at)
	}
	for _, s := range list {
		c.inner.wire.at[s.dir] += uint64(s.missing) + uint64(len(s.bytes))
		if s.missing > 0 {
			c.inner.wire.tls.hole(s.at, s.dir, s.missing)
		} else {
			c.inner.wire.tls.encrypted(s.at, s.dir, s.bytes)
		}
	}
}

// addInner adds the connection inside of another one.
func (t *connTable) addInner(outer *tracedConn, at ktime.Time) *tracedConn {
	t.inner++
	c := t.add(&bpf.Head{Time: at, PID: outer.meta.PID, Conn: innerConn | t.inner}, bpf.WireTLS)
	c.outer = outer
	c.meta.Comm = outer.meta.Comm
	o := &outer.event
	c.event.Local, c.event.Remote, c.event.Name = o.Local, o.Remote, o.Name
	c.event.DNS, c.event.Connect = o.DNS, o.Connect
	c.event.Joined, c.event.Role = o.Joined, o.Role
	config := t.config
	config.Role, config.FromStart = o.Role, true
	t.sockets.enter(c)
	c.follow(config)
	if own := c.wire.tls; !c.inTLS() {
		id := bpf.TLSIn(outer.id)
		own.spots = append(own.spots, t.ciphers.joining.spots[id]...)
		delete(t.ciphers.joining.spots, id)
	}
	return c
}
