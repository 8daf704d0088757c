// Package reference makes random conversations of HTTP/2, legal and illegal, with what an
// observer of the client is to report of them: each frame with its fields, windows and the
// rule that it breaks, and each exchange. It keeps each window as a number of its own
// (RFC 9113 §6.9), each header table as a list (RFC 7541 §2.3), each stream as a state for
// ever (RFC 9113 §5.1), and looks at all of them. It shares nothing with the decoder.
package reference
