package flows

import (
	"bytes"

	"h2trace/decoder/tls/record"
)

// carries says what a flow carries, as bpf/packets/stream.h decides it.
type carries uint8

const (
	carriesUnknown carries = iota
	carriesHTTP            // maybe: the engine decides
	carriesTLS             // maybe, too
	carriesOther           // nothing that is wanted
)

const (
	// peek is how many bytes of a stream are examined.
	peek         = 8
	socksVersion = 5 // RFC 1928 §3
	frameSetting = 4
	largestFrame = 9 // type of CONTINUATION
)

// looksRequested reports whether a stream begins like a method (RFC 9110 §9.1), or the preface
// of HTTP/2.
func looksRequested(b []byte) bool {
	for i, c := range b[:min(len(b), peek)] {
		if i > 0 && c == ' ' {
			return true
		}
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(b) > 0
}

// looksAnswered reports whether a stream begins like a status line (RFC 9112 §4), or SETTINGS
// without flags (RFC 9113 §3.4).
func looksAnswered(b []byte) bool {
	if bytes.HasPrefix(b, []byte("HTTP/")) {
		return true
	}
	return len(b) >= peek && b[0] == 0 && b[3] == frameSetting && b[4] == 0 && b[5] == 0
}

// looksFramed reports whether a stream goes on like a frame header (RFC 9113 §4.1) with a known
// type and a common size.
func looksFramed(b []byte) bool {
	return len(b) >= peek && b[0] == 0 && b[3] <= largestFrame && b[5]&0x80 == 0
}

// carried judges the first bytes of a direction, or, of a flow that was open before, of any
// segment.
func carried(b []byte, client, fromStart bool) carries {
	switch {
	case record.IsHeader(b) && (len(b) >= record.HeaderSize || fromStart):
		return carriesTLS
	case client && fromStart && b[0] == socksVersion:
		return carriesTLS // maybe, after that
	case !fromStart && (looksRequested(b) || looksAnswered(b) || looksFramed(b)):
		return carriesHTTP
	case !fromStart:
		return carriesUnknown
	case client && looksRequested(b), !client && looksAnswered(b):
		return carriesHTTP
	}
	return carriesOther
}

// Types of messages and records of TLS (RFC 8446 §4, §5.1).
const (
	recordHandshake = 22
	clientHello     = 1
	serverHello     = 2
)

// begunBy says who sent the bytes of a flow that was open before: 1 the client, -1 the server,
// 0 is unknown.
func begunBy(b []byte) int {
	switch {
	case len(b) > 5 && b[0] == recordHandshake && b[5] == clientHello:
		return 1
	case len(b) > 5 && b[0] == recordHandshake && b[5] == serverHello, bytes.HasPrefix(b, []byte("HTTP/")):
		return -1
	case len(b) >= 3 && looksRequested(b):
		return 1
	}
	return 0
}
