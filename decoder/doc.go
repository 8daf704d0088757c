// Package decoder turns the plaintext bytes of one connection into HTTP/2
// frames, header fields and flow-control windows.
//
// It is passive: it reads what two endpoints have sent each other, and never fails on
// it. It does no I/O, reads no clock, starts no goroutine and depends on no operating
// system. The same bytes give the same events, however they are split.
//
// It keeps four outcomes apart. A frame is decoded. Or the capture truncated it
// (Frame.Truncated, Frame.HeadersError). Or it breaks a rule (Frame.Violation), which
// ends nothing. Or its effect is unknown, because the connection was joined in the
// middle or bytes were lost (a Credit that is not Known, HeadersError). The package
// guesses nothing.
//
// README.md follows a byte through the files of this package.
package decoder
