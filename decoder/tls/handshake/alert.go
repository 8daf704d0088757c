package handshake

import (
	"cmp"
	"strconv"
)

// Alert is an alert in cleartext (RFC 8446 §6, RFC 5246 §7.2).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}

// String returns "fatal bad_certificate".
func (a Alert) String() string { return a.Level.String() + " " + a.Description.String() }

// ParseAlert parses the payload of an alert record, which has one alert (RFC 8446
// §5.1). An encrypted alert of TLS 1.2 is an error: it is longer.
func ParseAlert(b []byte) (Alert, error) {
	if len(b) != 2 {
		return Alert{}, &Error{Message: "alert", Field: "length"}
	}
	return Alert{AlertLevel(b[0]), AlertDescription(b[1])}, nil
}

// AlertLevel is the severity of an alert. In TLS 1.3 the description implies it
// (RFC 8446 §6).
type AlertLevel uint8

// The levels.
const (
	Warning AlertLevel = 1
	Fatal   AlertLevel = 2
)

// String returns the name of the RFC, or "level 3".
func (l AlertLevel) String() string {
	switch l {
	case Warning:
		return "warning"
	case Fatal:
		return "fatal"
	}
	return "level " + strconv.Itoa(int(l))
}

// AlertDescription says why an alert was sent.
type AlertDescription uint8

// CloseNotify ends a direction (RFC 8446 §6.1).
const CloseNotify AlertDescription = 0

var alertNames = map[AlertDescription]string{
	0:   "close_notify",
	10:  "unexpected_message",
	20:  "bad_record_mac",
	21:  "decryption_failed", // reserved since TLS 1.1 (RFC 5246 §7.2)
	22:  "record_overflow",
	30:  "decompression_failure", // RFC 5246 §7.2
	40:  "handshake_failure",
	41:  "no_certificate", // SSL 3.0
	42:  "bad_certificate",
	43:  "unsupported_certificate",
	44:  "certificate_revoked",
	45:  "certificate_expired",
	46:  "certificate_unknown",
	47:  "illegal_parameter",
	48:  "unknown_ca",
	49:  "access_denied",
	50:  "decode_error",
	51:  "decrypt_error",
	60:  "export_restriction", // reserved since TLS 1.1 (RFC 5246 §7.2)
	70:  "protocol_version",
	71:  "insufficient_security",
	80:  "internal_error",
	86:  "inappropriate_fallback", // RFC 7507 §2
	90:  "user_canceled",
	100: "no_renegotiation", // RFC 5246 §7.2
	109: "missing_extension",
	110: "unsupported_extension",
	111: "certificate_unobtainable", // RFC 6066 §9
	112: "unrecognized_name",
	113: "bad_certificate_status_response",
	114: "bad_certificate_hash_value", // RFC 6066 §9
	115: "unknown_psk_identity",
	116: "certificate_required",
	120: "no_application_protocol",
	121: "ech_required", // RFC 9849 §11.2
}

// String returns the name of the RFC, or the number.
func (d AlertDescription) String() string {
	return cmp.Or(alertNames[d], strconv.Itoa(int(d)))
}

// OfCertificate reports whether the sender rejects the certificate of its peer, or
// misses one.
func (d AlertDescription) OfCertificate() bool {
	return d >= 42 && d <= 46 || d == 48 || d == 116
}
