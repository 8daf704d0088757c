// Package decoder turns the plaintext bytes of one connection into HTTP/2
// frames, header fields and flow-control windows.
//
// It is passive: it reads what two endpoints already said to each other and
// never fails on what they said. It does no I/O, reads no clock, starts no
// goroutine and depends on no operating system, and the same bytes give the
// same events however they are cut.
package decoder
