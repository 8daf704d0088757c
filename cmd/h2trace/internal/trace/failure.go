package trace

import (
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/handshake"
)

// failureWait is how long the alert that a process sent waits for its error. The probe
// reports that next, unless the process is stopped or gets no CPU.
const failureWait = 5 * time.Second

// certainty says how well it is known why a handshake failed.
type certainty uint8

// The certainties, the lowest first.
const (
	noReason certainty = iota
	// anyError is an error of a type that is not known.
	anyError
	// ownAlert is what the process told its peer.
	ownAlert
	// socketError is an error of the socket: an alert of the peer may lie unread there.
	socketError
	// certain is any other error of the process, and an alert of the peer.
	certain
)

// failure is why a handshake failed. Packets and the process report it, in any order.
type failure struct {
	at        ktime.Time // of the first report
	why       string
	certainty certainty
	printed   bool
}

// waits reports whether a better reason may come.
func (f *failure) waits() bool { return f.certainty > noReason && !f.printed }

// failing holds the connections whose failed handshakes wait for a better reason, by the
// time of the first.
type failing []*tracedConn

// expire prints those that have waited long enough.
func (l *failing) expire(now ktime.Time) {
	n := 0
	for _, c := range *l {
		t := c.wire.tls
		if t.failure.waits() && t.failure.at.Add(failureWait) >= now {
			break
		}
		t.printFailure()
		n++
	}
	*l = slices.Delete(*l, 0, n)
}

// handshakeFailed takes the error of a process. Inside of a connection the handshake is
// the innermost.
func (t *connTable) handshakeFailed(f *bpf.HandshakeFailed) {
	for _, conn := range f.Conns {
		c := t.byID[conn]
		for c != nil && c.inner != nil {
			c = c.inner
		}
		if c != nil && c.wire.tls != nil && c.wire.tls.mayFail() {
			c.wire.tls.fails(f.Time, handshakeFailure(f.Error), certaintyOf(f.Error))
		}
	}
}

// mayFail reports whether the process may say that the handshake failed: packets do not
// say that it is over, or the process is a server that has sent nothing. A client has sent
// Finished before the server checks its certificate (RFC 8446 §4.4).
func (t *tlsConn) mayFail() bool {
	c := t.conn
	if t.elsewhere {
		return false
	}
	return !t.over || t.failure.waits() || c.event.Role == decoder.Server && c.next[bpf.Send].offset == 0
}

func certaintyOf(e *bpf.HandshakeError) certainty {
	if len(e.Kinds) == 0 {
		return anyError
	}
	switch e.Kinds[len(e.Kinds)-1] {
	case plan.ErrorUnknown, plan.ErrorPermanent, plan.ErrorOp, plan.ErrorSyscall:
		return anyError
	case plan.ErrorErrno:
		return socketError
	}
	return certain
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

// alerted takes an alert. A fatal one before the end of a handshake says why that
// failed.
func (t *tlsConn) alerted(a *tls.Alert) {
	closed := t.conn.end != nil // its socket: the peer can only answer
	if (a.Description == handshake.CloseNotify || a.Level == handshake.Fatal) && !closed {
		t.ownEnd = t.ownEnd || a.Dir == decoder.Send && !t.peerFinished()
		t.peerEnded = t.peerEnded || a.Dir == decoder.Recv && !t.ownEnd
	}
	if a.Level != handshake.Fatal || t.over && !t.failure.waits() && !t.rejects(a) {
		return
	}
	if a.Dir == decoder.Recv {
		t.fails(a.At, "alert from the peer: "+a.Description.String(), certain)
	} else {
		t.fails(a.At, "alert to the peer: "+a.Description.String(), ownAlert)
	}
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
	t.printFailure()
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
	t.fails(at, why, certain)
}

// fails takes why a handshake failed. It prints a certain reason at once.
func (t *tlsConn) fails(at ktime.Time, why string, e certainty) {
	c, f := t.conn, &t.failure
	t.over = true
	if f.printed || e <= f.certainty {
		return
	}
	if f.certainty == noReason {
		f.at = at
		if e != certain {
			c.table.ciphers.failing = append(c.table.ciphers.failing, c)
		}
	}
	f.why, f.certainty = why, e
	if e == certain {
		t.printFailure()
	}
}

// printFailure prints that a handshake failed, once.
func (t *tlsConn) printFailure() {
	c, f := t.conn, &t.failure
	if !f.waits() {
		return
	}
	f.printed = true
	if c.event.Handshake == nil && len(t.randoms) > 0 {
		c.event.Handshake = elapsed(t.Info().Start, f.at)
	}
	c.printHandshakeFailed(f.at, f.why)
}
