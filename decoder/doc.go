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
// A byte takes this way: conn.go hands it to a half, one per direction
// (half.go), which cuts frames, after preface.go has decided the protocol or
// search.go has found the boundaries. frames.go interprets a frame with
// payload.go, block.go and fieldtable.go (header fields), stream.go, settings.go
// and window.go. rules.go holds what can be broken, limits.go every bound.
package decoder
