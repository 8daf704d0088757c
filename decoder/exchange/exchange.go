package exchange

import (
	"time"

	"h2trace/decoder/ktime"
)

// Exchange is a request and its response. Its times are those of the bytes, as the caller
// gave them; 0 is unknown, or not reached.
type Exchange struct {
	Stream uint32 // 0 on HTTP/1.x
	Proto  Proto

	// Method and URL are empty if the request was not seen. URL has a scheme and an
	// authority if the request names them.
	Method, URL string
	Status      int    // of the final response, 0 without one
	Redirect    string // its Location
	Reused      Reused
	// ToProxy says that the request is for an HTTP proxy: a CONNECT (RFC 9110
	// §9.3.6), or a request with an absolute URL (RFC 9112 §3.2.2).
	ToProxy bool
	// Authorized says that the request, if its fields were seen, has a field with
	// credentials.
	Authorized bool
	// TraceParent is the trace context in the fields of the request.
	TraceParent TraceParent
	Answer      // what the response says of itself

	// RequestBytes and ResponseBytes count the bodies, without padding and
	// transfer coding. Both are -1 if bytes of one may be missing.
	RequestBytes, ResponseBytes int64

	// If the exchange was given up, RequestEnd is the time of the last sent byte of
	// the request, and ResponseEnd is End if the response had begun.
	Start       ktime.Time // first byte of the request
	RequestEnd  ktime.Time // its last byte
	Response    ktime.Time // first byte of the final response
	ResponseEnd ktime.Time // its last byte
	End         ktime.Time // the end, or the time of giving up
	// Latest is the time of the last whole frame, on HTTP/1.x of the last byte, of a
	// response that was cut or is open. It is 0 for all others, and if later bytes may
	// be missing.
	Latest ktime.Time
	// Unanswered says that no final response began before End.
	Unanswered bool
	// Open says that the exchange was open when the observation ended, at End.
	Open bool

	// RecvStall and SendStall are how long the peer, and the observed process, had no
	// flow-control credit for it.
	RecvStall, SendStall time.Duration

	// GRPC is set for a gRPC call.
	GRPC *GRPC

	// Error says why there is no complete, successful response, or is nil.
	Error *Error

	again repeats
}

// Duration returns how long the exchange took, from the first byte of its request to the last
// of its response. ok is false if either is unknown, or did not come, or the clock of a capture was
// set back in between.
func (e *Exchange) Duration() (d time.Duration, ok bool) {
	if e.Start == 0 || e.ResponseEnd < e.Start || e.Open {
		return 0, false
	}
	return e.ResponseEnd.Sub(e.Start), true
}

// GRPC is the result of a gRPC call.
type GRPC struct {
	Status  int // -1 without one
	Message string
}

// Proto is the protocol of an exchange.
type Proto uint8

// The protocols.
const (
	HTTP2 Proto = iota
	HTTP11
	HTTP10
	H2C // HTTP/2 without TLS
)

// String returns the name of the protocol, such as "http/1.1".
func (p Proto) String() string {
	names := [...]string{"h2", "http/1.1", "http/1.0", "h2c"}
	if int(p) >= len(names) {
		return "unknown"
	}
	return names[p]
}

// Reused says whether an exchange used an existing connection.
type Reused uint8

// The values. ReusedUnknown is for the first exchange seen on a connection that was
// joined in the middle.
const (
	ReusedUnknown Reused = iota
	ReusedNo
	ReusedYes
)

// String returns "no", "yes" or "unknown".
func (r Reused) String() string {
	switch r {
	case ReusedNo:
		return "no"
	case ReusedYes:
		return "yes"
	}
	return "unknown"
}

// Class is the kind of a failure.
type Class string

// The classes that the bytes of a connection show.
const (
	ClassReset    Class = "reset"    // by the server: the stream, or the connection
	ClassGoAway   Class = "goaway"   // the server announced that it will not answer
	ClassHTTP4xx  Class = "http_4xx" // the status says so
	ClassHTTP5xx  Class = "http_5xx"
	ClassProtocol Class = "protocol" // the client found a protocol error
	ClassAborted  Class = "aborted"  // the client gave up
	ClassTimeout  Class = "timeout"  // TCP gave up

	// The classes of failed connections; no exchange has them.
	ClassDNS     Class = "dns"
	ClassConnect Class = "connect"
	ClassTLS     Class = "tls"
)

// Error is the failure of an exchange. It is no error value: a nil one means success.
type Error struct {
	Class  Class
	Detail string
}

// String returns the class and the detail, "" for nil.
func (e *Error) String() string {
	if e == nil {
		return ""
	}
	return string(e.Class) + ": " + e.Detail
}
