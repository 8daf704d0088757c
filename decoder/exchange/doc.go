// Package exchange pairs requests with responses (RFC 9110 §3.4): of HTTP/2 from decoded
// frames, of HTTP/1.x from bytes. It reports the times of each part of an exchange, the
// sizes of its bodies, how it ended, and how long flow control stalled it.
//
// A Tracker belongs to one connection. Like package decoder it does no I/O and reads no
// clock. What is unknown, because the connection was joined in the middle or bytes were
// lost, it leaves open.
package exchange
