package exchange

import (
	"time"

	"h2trace/decoder/ktime"
)

// Exchange is a request and its response. Its times are of the bytes that the
// caller gave; 0 is unknown, or not reached.
type Exchange struct {
	Stream uint32 // 0 on HTTP/1.x
	Proto  Proto

	// Method and URL are empty when the request was not seen. URL has a scheme
	// and an authority where the request named them.
	Method, URL string
	Status      int    // of the final response, 0 when there was none
	Redirect    string // its Location
	Reused      Reused
	// ToProxy says that it is for an HTTP proxy to act on: a CONNECT (RFC 9110
	// §9.3.6), or a request with an absolute URL (RFC 9112 §3.2.2).
	ToProxy bool
	// Authorized says that the request, if its fields were seen, had a field with
	// credentials.
	Authorized bool
	RetryAfter string // of the response

	// RequestBytes and ResponseBytes count the bodies, without padding and
	// transfer coding. Both are -1 when part of one may have been missed.
	RequestBytes, ResponseBytes int64

	// Of an exchange that was given up, RequestEnd is the last byte of the
	// request that was sent, and ResponseEnd is End where the response had begun.
	Start       ktime.Time // first byte of the request
	RequestEnd  ktime.Time // its last byte
	Response    ktime.Time // first byte of the final response
	ResponseEnd ktime.Time // its last byte
	End         ktime.Time // when it ended, or was given up
	// Latest is when the last whole frame came of a response that was cut, or is open,
	// or on HTTP/1.x the last byte; 0 on all others, and where more may have come.
	Latest ktime.Time
	// Unanswered says that no head of a final response came before End.
	Unanswered bool
	// Open says that it had not ended when the observing did, at End.
	Open bool

	// RecvStall and SendStall are how long the peer, and how long the observed
	// process, had used up the flow-control credit for it.
	RecvStall, SendStall time.Duration

	// GRPC is set on a call of gRPC.
	GRPC *GRPC

	// Error is why it has no complete, successful response, or nil.
	Error *Error

	again repeats
}

// GRPC is what a call of gRPC ended with.
type GRPC struct {
	Status  int // -1 when none came
	Message string
}

// Proto is how an exchange was carried.
type Proto uint8

// The protocols.
const (
	HTTP2 Proto = iota
	HTTP11
	HTTP10
	H2C // HTTP/2 without TLS
)

// String returns the name of the protocol, such as "http/1.1".
func (p Proto) String() string { return [...]string{"h2", "http/1.1", "http/1.0", "h2c"}[p] }

// Reused says whether an exchange came over a connection that there was.
type Reused uint8

// ReusedUnknown is for the first exchange that was seen of a connection met in
// the middle.
const (
	ReusedUnknown Reused = iota
	ReusedNo
	ReusedYes
)

// Class is what kind of failure ended an exchange.
type Class string

// The classes that the bytes of a connection tell.
const (
	ClassReset    Class = "reset"    // by the server: the stream, or the connection
	ClassGoAway   Class = "goaway"   // the server announced that it does not answer
	ClassHTTP4xx  Class = "http_4xx" // the status says so
	ClassHTTP5xx  Class = "http_5xx"
	ClassProtocol Class = "protocol" // the client found a rule broken
	ClassAborted  Class = "aborted"  // the client gave up
	ClassTimeout  Class = "timeout"  // TCP gave up

	// Of connections that were not made; no exchange has them.
	ClassDNS     Class = "dns"
	ClassConnect Class = "connect"
	ClassTLS     Class = "tls"
)

// Error is why an exchange failed.
type Error struct {
	Class  Class
	Detail string
}
