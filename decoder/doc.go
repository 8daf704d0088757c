// Package decoder turns the plaintext bytes of one connection into HTTP/2
// frames, header fields and flow-control windows.
//
// It is passive: it reads what two endpoints already said to each other and
// never fails on what they said. It does no I/O, reads no clock, starts no
// goroutine and depends on no operating system, and the same bytes give the
// same events however they are cut.
//
// Four outcomes stay apart: what was decoded; what the capture cut short
// (Frame.Truncated, Frame.HeadersError); what broke a rule (Frame.Violation),
// which ends nothing; and what cannot be known, because the connection was met
// in the middle or bytes were lost (a Credit that is not Known, HeadersError).
// Nothing unknown is guessed.
//
// README.md follows a byte through the files of this package.
package decoder
