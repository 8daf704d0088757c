// Package http2debug reads the log that a Go program writes to stderr with
// GODEBUG=http2debug=2: the frames that its own HTTP/2 endpoint wrote and read.
//
// Per connection (Framer) and direction the order of the frames is the order of their
// bytes. Across the two directions it is not. Header field lines name no Framer: they
// come before their "wrote HEADERS" and after their "read HEADERS", mixed with those
// of other connections. Log keeps them in Events in their original order, so that a
// reader can prove an attribution instead of guessing one.
//
// A log must be that of one process: two processes can have Framers at the same
// address.
package http2debug

import "h2trace/cmd/h2trace/internal/testkit/wire"

// FieldKind says which of the three places of net/http logged a header field.
type FieldKind uint8

// The places: a client that encodes, a server that encodes, and either of them
// decoding a block.
const (
	ClientEncoding FieldKind = iota
	ServerEncoding
	Decoded
)

// String names the place.
func (k FieldKind) String() string {
	return [...]string{"client encoding", "server encoding", "decoded"}[k]
}

// Field is one header field line. Decoded fields also say whether they were
// never-indexed literals (RFC 7541 §6.2.3).
type Field struct {
	wire.Field
	Kind      FieldKind
	Sensitive bool
}

// String formats the field as in the log.
func (f Field) String() string {
	if f.Sensitive {
		return f.Field.String() + " (sensitive)"
	}
	return f.Field.String()
}

// Frame is one frame line.
type Frame struct {
	wire.Frame
	Dir  wire.Dir
	Line int // in the log, from 1
}

// Conn is one Framer from its first frame on. Go writes SETTINGS once, first. So a
// SETTINGS that is no ACK starts a new Conn when the allocator has reused the address
// of a dead Framer.
type Conn struct {
	Framer string // address as logged, for messages only
	Frames []*Frame
}

// Dir returns the frames of one direction, in the order of their bytes.
func (c *Conn) Dir(d wire.Dir) []*Frame {
	var out []*Frame
	for _, f := range c.Frames {
		if f.Dir == d {
			out = append(out, f)
		}
	}
	return out
}

// Client reports whether the logging process was the client: a client writes
// HEADERS before it reads any. It is false on a connection without requests.
func (c *Conn) Client() bool {
	for _, f := range c.Frames {
		if f.Type == wire.Headers {
			return f.Dir == wire.Send
		}
	}
	return false
}

// Event is one line of the log: either Conn and Frame, or Field, is set.
type Event struct {
	Line  int
	Conn  *Conn
	Frame *Frame
	Field *Field
}

// Log is the log of one process.
type Log struct {
	Conns  []*Conn // in the order of their first frames
	Events []Event // every frame and header field line, in log order
}
