// Package wire is the common form of one HTTP/2 frame, as numbers, for the sources
// that tests compare. It shares nothing with the decoder under test; its names and
// numbers come from RFC 9113 and the IANA HTTP/2 registries.
package wire

import (
	"fmt"
	"strings"
)

// Dir is the direction of a frame, seen from the observed process.
type Dir uint8

// The two directions of a connection.
const (
	Send Dir = iota
	Recv
)

// String returns "send" or "recv".
func (d Dir) String() string {
	if d == Send {
		return "send"
	}
	return "recv"
}

// Setting is one SETTINGS parameter (RFC 9113 §6.5.1).
type Setting struct {
	ID    uint16
	Value uint32
}

// Field is one header field, in the bytes on the wire.
type Field struct {
	Name, Value string
}

// String quotes the field as the http2debug log does.
func (f Field) String() string { return fmt.Sprintf("%q = %q", f.Name, f.Value) }

// Frame is one HTTP/2 frame without its payload bytes.
type Frame struct {
	Type   Type
	Flags  uint8
	Stream uint32
	Length uint32 // payload length on the wire, padding included

	DataLength uint32    // DATA: length without padding and Pad Length field
	Settings   []Setting // SETTINGS, in wire order
	Increment  uint32    // WINDOW_UPDATE
	ErrorCode  uint32    // RST_STREAM, GOAWAY
	LastStream uint32    // GOAWAY
	Debug      string    // GOAWAY
	Opaque     [8]byte   // PING
}

// Has reports whether f carries the flag bit.
func (f *Frame) Has(flag uint8) bool { return f.Flags&flag != 0 }

// EndsBlock reports whether f completes a field block (RFC 9113 §4.3).
func (f *Frame) EndsBlock() bool {
	switch f.Type {
	case Headers, PushPromise, Continuation:
		return f.Has(FlagEndHeaders)
	}
	return false
}

// String describes the frame in one line. Two frames are equal exactly when
// their strings are.
func (f *Frame) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s flags=%s stream=%d len=%d", f.Type, flagNames(f.Type, f.Flags), f.Stream, f.Length)
	switch f.Type {
	case Data:
		fmt.Fprintf(&b, " data=%d", f.DataLength)
	case Settings:
		for _, s := range f.Settings {
			fmt.Fprintf(&b, " %s=%d", settingName(s.ID), s.Value)
		}
	case WindowUpdate:
		fmt.Fprintf(&b, " incr=%d", f.Increment)
	case RSTStream:
		fmt.Fprintf(&b, " err=%s", errorName(f.ErrorCode))
	case GoAway:
		fmt.Fprintf(&b, " last=%d err=%s debug=%q", f.LastStream, errorName(f.ErrorCode), f.Debug)
	case Ping:
		fmt.Fprintf(&b, " opaque=%x", f.Opaque)
	}
	return b.String()
}
