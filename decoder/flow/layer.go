package flow

import (
	"bytes"
	"slices"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
)

const (
	// maxHellos bounds the handshakes of a connection whose secrets are awaited.
	maxHellos = 4
	// maxSame bounds the connections with the same client random: both ends of one, and
	// those that a relay makes. Of more, the oldest get no secrets that come late.
	maxSame = 16
)

// layer decodes what a connection carries.
type layer struct {
	conn   *Conn
	hooks  Hooks
	tls    *tls.Conn // nil without TLS
	hellos [][32]byte
	http   *exchange.Conn
	inner  *layer // through a proxy
	latest ktime.Time
	holed  bool // some bytes were missing, or not opened
	sealed bool // TLS that was joined in the middle
}

// newLayer returns the layer of a connection with its first bytes.
func newLayer(c *Conn, at ktime.Time, b []byte) *layer {
	t := c.table
	c.Secure = isTLS(b, c.FromStart)
	l := &layer{conn: c}
	if t.cfg.Open != nil {
		l.hooks = t.cfg.Open(c)
	}
	if l.hooks.Tunnel == nil {
		l.hooks.Tunnel, l.hooks.TunnelGap = l.tunnel, l.tunnelGap
	}
	cfg := exchange.ConnConfig{Scheme: "http", Budget: t.exchanges, Decoder: decoder.Config{
		Role: c.Role, FromStart: c.FromStart, BodyBytes: t.cfg.BodyBytes, Budget: t.frames,
	}}
	if c.Secure {
		cfg.Scheme = "https"
		l.sealed = !c.FromStart
	}
	l.http = exchange.NewConn(cfg, l.hooks.Hooks)
	switch {
	case l.sealed:
		l.unopened(&tls.Unopened{At: at, Dir: decoder.Send, Reason: tls.NoHello})
		l.unopened(&tls.Unopened{At: at, Dir: decoder.Recv, Reason: tls.NoHello})
	case c.Secure:
		l.tls = tls.New(t.ciphertext, t.sessions)
		l.tls.Unread = l.http.Unread
	}
	return l
}

// isTLS reports whether bytes begin like a record of TLS. Without the start of the
// connection they must have its whole header.
func isTLS(b []byte, fromStart bool) bool {
	return record.IsHeader(b) && (fromStart || len(b) >= record.HeaderSize)
}

// Begins reports whether a client sends such bytes at the start of a connection alone: a
// ClientHello, or the preface of HTTP/2 (RFC 9113 §3.4).
func Begins(b []byte) bool {
	const handshake, clientHello = 22, 1 // RFC 8446 §4, §5.1
	return len(b) > 5 && b[0] == handshake && b[5] == clientHello || bytes.HasPrefix(b, []byte("PRI * HTTP/2.0"))
}

// data takes the next bytes of a direction.
func (l *layer) data(at ktime.Time, dir decoder.Direction, b []byte) {
	switch {
	case l.sealed:
	case l.tls == nil:
		l.http.Data(l.time(at), dir, b)
	default:
		l.tls.Data(at, dir, b)
		l.decrypt()
	}
}

// skip takes bytes that were not captured, as their packet was cut.
func (l *layer) skip(at ktime.Time, dir decoder.Direction, n int64) {
	if l.tls == nil && !l.sealed {
		l.http.Skip(l.time(at), dir, n)
		return
	}
	l.hole(at, dir, n)
}

// hole takes bytes that are missing.
func (l *layer) hole(at ktime.Time, dir decoder.Direction, n int64) {
	l.holed = true
	switch {
	case l.sealed:
	case l.tls == nil:
		l.http.Gap(l.time(at), dir, n)
	default:
		l.http.Missed(dir) // how many of plaintext shows when a later record opens
		l.tls.Missing(at, dir, n)
		l.decrypt()
	}
}

// time returns a time that does not precede the one before: two directions may be captured
// in the wrong order.
func (l *layer) time(at ktime.Time) ktime.Time {
	l.latest = max(l.latest, at)
	return l.latest
}

// decrypt decodes what TLS has opened.
func (l *layer) decrypt() {
	for e := l.tls.Next(); e != nil; e = l.tls.Next() {
		switch e := e.(type) {
		case *tls.Plaintext:
			l.http.Data(l.time(e.At), e.Dir, e.Data)
		case *tls.Passed:
			l.http.Skip(l.time(e.At), e.Dir, e.N)
		case *tls.Missing:
			if e.Plaintext != 0 {
				l.http.GapAtMost(l.time(e.At), e.Dir, e.Plaintext)
			}
		case *tls.Offered:
			l.offered(e)
		case *tls.Established:
			if l.hooks.TLS != nil {
				l.hooks.TLS(e.At, l.tls.Info())
			}
		case *tls.Unopened:
			l.unopened(e)
		}
	}
}

// unopened takes that no more of a direction is opened.
func (l *layer) unopened(e *tls.Unopened) {
	l.holed = true
	if l.hooks.Unopened != nil {
		l.hooks.Unopened(e.At, e.Dir, e.Reason)
	}
}

// offered takes a ClientHello, and gives the secrets that came before it.
func (l *layer) offered(o *tls.Offered) {
	t, random := l.conn.table, o.Hello.Random
	if len(l.hellos) == maxHellos || slices.Contains(l.hellos, random) {
		return
	}
	role := decoder.Client
	if o.Dir == decoder.Recv {
		role = decoder.Server
	}
	l.http.SetRole(role)
	l.hellos = append(l.hellos, random)
	same := t.byRandom[random]
	if len(same) == maxSame {
		same = slices.Delete(same, 0, 1)
	}
	t.byRandom[random] = append(same, l)
	for label, secret := range t.keys.Of(random) {
		l.tls.Secret(label, random, secret)
	}
}

// tunnel takes the bytes of a connection through an HTTP proxy.
func (l *layer) tunnel(at ktime.Time, dir decoder.Direction, b []byte) {
	if len(b) == 0 {
		return
	}
	if l.inner == nil {
		outer := l.conn
		l.inner = newLayer(&Conn{
			Local: outer.Local, Remote: outer.Remote, Role: outer.Role, FromStart: outer.FromStart,
			Outer: outer, table: outer.table,
		}, at, b)
	}
	l.inner.data(at, dir, b)
}

// tunnelGap takes that bytes of that connection are missing.
func (l *layer) tunnelGap(at ktime.Time, dir decoder.Direction, n int64) {
	if l.inner != nil && n > 0 {
		l.inner.hole(at, dir, n)
	}
}

// end ends the connection.
func (l *layer) end(at ktime.Time, by exchange.Ended) {
	if l.tls != nil {
		l.tls.Close(at)
		l.decrypt()
		l.forget()
	}
	if l.holed { // what came after a hole may be decoded after its answer
		l.http.Doubt(l.time(at))
	}
	l.http.Close(l.time(at), by)
	if l.inner != nil {
		l.inner.end(at, by)
	}
	if l.hooks.End != nil {
		l.hooks.End(l.latest, by)
	}
}

// forget ends the wait for secrets.
func (l *layer) forget() {
	all := l.conn.table.byRandom
	for _, random := range l.hellos {
		list := slices.DeleteFunc(all[random], func(o *layer) bool { return o == l })
		if all[random] = list; len(list) == 0 {
			delete(all, random)
		}
	}
}
