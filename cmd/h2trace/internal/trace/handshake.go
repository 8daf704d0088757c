package trace

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"
	"syscall"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/export"
)

// handshake takes the end of a TLS handshake.
func (t *connTable) handshake(h *bpf.Handshake) {
	c := t.byID[h.Conn]
	if c == nil {
		return // its open record was lost
	}
	c.event.Handshake = elapsed(h.Start, h.Time)
	if h.Version != 0 {
		c.event.TLS = agreed(h)
	}
	if h.Error == nil {
		c.releaseEarly(h.Time)
		return
	}
	c.early.fail(&c.next)
	c.printHandshakeFailed(h.Time, handshakeFailure(h.Error))
}

// printHandshakeFailed prints that a TLS handshake failed.
func (c *tracedConn) printHandshakeFailed(at ktime.Time, why string) {
	c.announce()
	e := c.event
	failed := export.ConnFailed{Error: &exchange.Error{Class: exchange.ClassTLS, Detail: why}}
	if e.Via == "" { // else it was with the origin, and in between is the HTTP proxy
		name := e.Name
		if e.Offer != nil {
			name = cmp.Or(name, e.Offer.SNI)
		}
		failed.Proxy, failed.Next, failed.Barred = failedDial(&e, c.source, name)
	}
	c.table.events.Conn(c.at(at), &e, failed)
}

// agreed returns what a handshake agreed on, for printing.
func agreed(h *bpf.Handshake) *export.TLS {
	return &export.TLS{
		Version: tls.VersionName(h.Version), ALPN: h.ALPN, SNI: h.SNI, Resumed: new(h.Resumed),
		Cipher: tls.CipherSuiteName(h.Cipher),
	}
}

// invalidReasons are the values of x509.InvalidReason, in their order.
var invalidReasons = []string{
	"not authorized to sign other certificates", "expired or not yet valid", "authority not permitted to sign for this name",
	"too many intermediates", "incompatible key usage", "issuer name does not match", "name constraints without subject alternative names",
	"unconstrained name", "too many name constraints", "extended key usage not permitted by the authority", "no valid chains",
}

// handshakeFailure says why a handshake failed.
func handshakeFailure(e *bpf.HandshakeError) string {
	kind := plan.ErrorUnknown
	if n := len(e.Kinds); n > 0 {
		kind = e.Kinds[n-1]
	}
	switch kind {
	case plan.ErrorUnknownAuthority:
		return "certificate signed by unknown authority"
	case plan.ErrorHostname:
		return "certificate is not for this name"
	case plan.ErrorInvalid:
		if reason := e.Data[1]; reason < uint64(len(invalidReasons)) {
			return "certificate is not valid: " + invalidReasons[reason]
		}
		return "certificate is not valid"
	case plan.ErrorAlert:
		name := handshake.AlertDescription(e.Data[0]).String()
		if e.Text == "remote error" {
			return "alert from the peer: " + name
		}
		return "alert to the peer: " + name
	case plan.ErrorErrno:
		return errnoText(syscall.Errno(e.Data[0]))
	case plan.ErrorDeadline:
		return "timed out"
	case plan.ErrorClosed:
		return "given up by the process"
	case plan.ErrorString, plan.ErrorWrap, plan.ErrorHeader:
		if e.Text == "EOF" {
			return "the peer closed the connection"
		}
		return e.Text
	case plan.ErrorVerification:
		return "certificate could not be verified"
	}
	if slices.Contains(e.Kinds, plan.ErrorOp) && e.Text != "" {
		return fmt.Sprintf("%s failed", e.Text)
	}
	return "for a reason not known"
}
