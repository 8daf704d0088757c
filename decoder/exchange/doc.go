// Package exchange joins what a connection carries to exchanges: a request and
// its response (RFC 9110 §3.4), of HTTP/2 from decoded frames, of HTTP/1.x from
// bytes. It tells how long each part of one took, how many body bytes went
// which way, how it ended, and how long flow control stalled it.
//
// A Tracker belongs to one connection. Like package decoder it does no I/O and
// reads no clock; what it cannot know, because the connection was met in the
// middle or bytes were lost, it leaves open.
package exchange
