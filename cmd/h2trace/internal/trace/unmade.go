package trace

import (
	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/handshake"
)

// alerted takes an alert. A fatal one before the end of a handshake says why that
// failed.
func (t *tlsConn) alerted(a *tls.Alert) {
	if a.Description == handshake.CloseNotify || a.Level == handshake.Fatal {
		t.ownEnd = t.ownEnd || a.Dir == decoder.Send && !t.peerFinished()
		t.peerEnded = t.peerEnded || a.Dir == decoder.Recv && !t.ownEnd
	}
	if a.Level != handshake.Fatal || t.over && !t.rejects(a) {
		return
	}
	to := "to"
	if a.Dir == decoder.Recv {
		to = "from"
	}
	t.handshakeFailed(a.At, "alert "+to+" the peer: "+a.Description.String())
}

// peerFinished reports whether the peer ended its direction of TCP before the last byte
// sent.
func (t *tlsConn) peerFinished() bool {
	c := t.conn
	for c.outer != nil {
		c = c.outer
	}
	return c.wire != nil && c.wire.peerEnded
}

// rejects reports whether a server rejects the certificate of its client by an alert. In
// TLS 1.3 it does so after both sides have sent Finished, and before its first data.
func (t *tlsConn) rejects(a *tls.Alert) bool {
	c := t.conn
	return c.event.Role == decoder.Server && a.Dir == decoder.Send && c.next[bpf.Send].offset == 0 && a.Description.OfCertificate()
}

// handshakeEnded takes the end of a connection, which may be in the middle of its
// handshake. One that only ends with its process has not failed: it hangs.
func (t *tlsConn) handshakeEnded(at ktime.Time) {
	c := t.conn
	end, reported := c.end.(*reportedClose)
	if !reported || end.exited || t.over || t.holed || t.unopened.any() || len(t.randoms) == 0 {
		return
	}
	why := "for a reason not known"
	switch {
	case !end.Socket:
	case end.Path.Err() != 0:
		why = errnoText(end.Path.Err())
	case c.endedBy() == exchange.EndedByPeer:
		why = "the peer closed the connection"
	default:
		why = "given up by the process"
	}
	t.handshakeFailed(at, why)
}

// handshakeFailed prints that a handshake failed.
func (t *tlsConn) handshakeFailed(at ktime.Time, why string) {
	c := t.conn
	t.over = true
	if c.event.Handshake == nil && len(t.randoms) > 0 {
		took := at.Sub(t.Info().Start)
		c.event.Handshake = &took
	}
	c.printHandshakeFailed(at, why)
}
