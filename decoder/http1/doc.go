// Package http1 cuts the bytes of an HTTP/1.x connection (RFC 9112) into
// requests and responses. It keeps what tells exchanges apart and how long each
// part took: heads, the number of body bytes, ends. Bodies are counted, not
// kept.
//
// Like package decoder it is passive: it does no I/O, reads no clock, never
// fails on what was said, and the same bytes give the same calls however they
// are cut. What it cannot follow, because bytes were lost or make no sense, it
// passes over until the next message begins where one may.
package http1
