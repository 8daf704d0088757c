package trace

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"syscall"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/decoder/exchange"
	"h2trace/export"
)

// handshake takes the end of a TLS handshake.
func (t *connTable) handshake(h *bpf.Handshake) {
	c := t.byID[h.Conn]
	if c == nil {
		return // its open record was lost
	}
	took := h.Time.Sub(h.Start)
	c.event.Handshake = &took
	if h.Version != 0 {
		c.event.TLS = agreed(h)
	}
	if h.Error == nil {
		c.releaseEarly(h.Time)
		return
	}
	c.early.drop(&c.next)
	c.announce()
	e := c.event
	failed := export.ConnFailed{Error: &exchange.Error{Class: exchange.ClassTLS, Detail: handshakeFailure(h.Error)}}
	if e.Via == "" { // else it was with the origin, and in between is the HTTP proxy
		name := e.Name
		if e.Offer != nil {
			name = cmp.Or(name, e.Offer.SNI)
		}
		failed.Proxy, failed.Next, failed.Barred = failedDial(&e, c.source, name)
	}
	t.events.Conn(c.at(h.Time), &e, failed)
}

// agreed returns what a handshake agreed on, for printing.
func agreed(h *bpf.Handshake) *export.TLS {
	a := &export.TLS{
		Version: tls.VersionName(h.Version), ALPN: h.ALPN, SNI: h.SNI, Resumed: new(h.Resumed),
		Cipher: tls.CipherSuiteName(h.Cipher),
	}
	if h.Verified > 0 {
		a.Verify = new(h.Verified)
	}
	return a
}

// invalidReasons are the values of x509.InvalidReason, in their order.
var invalidReasons = []string{
	"not authorized to sign other certificates", "expired or not yet valid", "authority not permitted to sign for this name",
	"too many intermediates", "incompatible key usage", "issuer name does not match", "name constraints without subject alternative names",
	"unconstrained name", "too many name constraints", "extended key usage not permitted by the authority", "no valid chains",
}

// alerts are the descriptions of RFC 8446 §6 that end handshakes.
var alerts = map[uint8]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
	42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
	46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
	90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
	121: "encrypted_client_hello_required",
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
		code := uint8(e.Data[0])
		name := alerts[code]
		if name == "" {
			name = strconv.Itoa(int(code))
		}
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
