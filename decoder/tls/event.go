package tls

import (
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
)

// Event is what Conn.Next returns: Plaintext, Passed, Missing, Offered, Established, Alert or
// Unopened.
type Event interface{ event() }

// Plaintext is application data of one record, or of a part of it.
type Plaintext struct {
	At   ktime.Time // when the last byte of the record came
	Dir  decoder.Direction
	Data []byte // valid until the next call of Conn
}

// Passed is application data of one record, or of a part of it, that is verified and not
// decrypted, since Conn.Unread says that nobody reads it.
type Passed struct {
	At  ktime.Time // when the last byte of the record came
	Dir decoder.Direction
	N   int64 // bytes of it
}

// Missing is a place in the application data of a direction at which some may be
// missing.
type Missing struct {
	At         ktime.Time
	Dir        decoder.Direction
	Ciphertext int64 // bytes of the stream that were not opened
	// Records is the number of missing records, and Plaintext that of bytes which they
	// hold at most: exactly as many, unless some hold no application data. Both are -1
	// where the record number was unknown before, or began anew. Plaintext is -1, too,
	// where the sender pads records.
	Records   int64
	Plaintext int64
}

// Offered is a ClientHello, the first on a connection. Its client speaks in direction
// Dir.
type Offered struct {
	At    ktime.Time
	Dir   decoder.Direction
	Hello *handshake.ClientHello
}

// Established is the end of a handshake: both sides have sent Finished.
type Established struct{ At ktime.Time }

// Alert is an alert (RFC 8446 §6), such as close_notify at the end of a direction.
type Alert struct {
	At  ktime.Time
	Dir decoder.Direction
	handshake.Alert
	Encrypted bool
}

// Unopened says that nothing more of a direction will be opened, unless a secret comes
// that does. Conn returns it once for each direction and reason.
type Unopened struct {
	At     ktime.Time
	Dir    decoder.Direction
	Reason Reason
}

func (*Plaintext) event()   {}
func (*Passed) event()      {}
func (*Missing) event()     {}
func (*Offered) event()     {}
func (*Established) event() {}
func (*Alert) event()       {}
func (*Unopened) event()    {}

// Reason is why ciphertext is not opened.
type Reason uint8

// The reasons.
const (
	// NotTLS: the first bytes are no record of TLS.
	NotTLS Reason = iota
	// NoSecret: the secret did not come, or another one.
	NoSecret
	// NoHello: the ClientHello or the ServerHello was not seen.
	NoHello
	// UnknownSuite: package record does not know the cipher suite, or the version.
	UnknownSuite
	// OutOfStep: after missing bytes, or in the middle of a connection, no record was
	// found that opens.
	OutOfStep
)

// String returns the reason in words.
func (r Reason) String() string {
	switch r {
	case NotTLS:
		return "no TLS"
	case NoSecret:
		return "no secret"
	case NoHello:
		return "hello not seen"
	case UnknownSuite:
		return "unknown cipher suite"
	}
	return "out of step"
}
