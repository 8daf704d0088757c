package bpf

import (
	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// Handshake is a finished TLS handshake.
type Handshake struct {
	Head
	Start ktime.Time
	// Version is 0 if the fields below are unknown.
	Version, Cipher uint16
	Resumed         bool
	ALPN, SNI       string
	Error           *HandshakeError // nil when it succeeded
}

// HandshakeFailed is a TLS handshake that failed on a socket whose packets are reported.
// Conns are the numbers that these may have for its connection; the handshake may also be
// inside of it.
type HandshakeFailed struct {
	Head
	Conns [2]uint64
	Error *HandshakeError
}

// HandshakeError is why a handshake failed: errors of the Kinds, each wrapped in the
// previous one. Data is the memory of the last one, Text the last text found.
type HandshakeError struct {
	Kinds []plan.ErrorKind
	Data  [2]uint64
	Text  string
}
