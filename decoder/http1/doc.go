// Package http1 parses the bytes of an HTTP/1.x connection (RFC 9112) into requests
// and responses. It reports heads, the number of body bytes, and ends. It counts
// bodies and does not keep them.
//
// Like package decoder it is passive: it does no I/O, reads no clock and never fails
// on its input. The same bytes give the same calls, however they are split. After
// lost or malformed bytes it skips to the next place where a message may begin.
//
// Package exchange uses it, and is what most callers want: it has requests with their
// responses.
package http1
