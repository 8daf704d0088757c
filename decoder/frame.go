package decoder

import (
	"fmt"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// Direction is the direction of bytes, from the view of the observed process.
type Direction uint8

const (
	// Send is from the observed process to its peer.
	Send Direction = iota
	// Recv is from the peer to the observed process.
	Recv
)

// String returns "send" or "recv".
func (d Direction) String() string {
	if d == Recv {
		return "recv"
	}
	return "send"
}

// Frame is one HTTP/2 frame together with the flow-control credit left after
// it. A Frame handed to a Sink, and every slice in it, belongs to the decoder
// and is valid only until the call returns.
type Frame struct {
	// Time is the time of the bytes that completed the frame, as the caller gave it
	// to Conn.
	Time     ktime.Time
	Dir      Direction
	Type     Type
	Flags    Flags
	StreamID uint32
	// Length is the payload length on the wire, in bytes (RFC 9113 §4.1).
	Length uint32
	Window Window
	// Truncated says that payload bytes of this frame were not seen. Bytes of a DATA
	// payload that were left out on purpose do not count, see Conn.Skip.
	Truncated bool
	// Cut says that the connection, or its decoding, ended inside this frame, so
	// that its flags had no effect. Missing is the number of payload bytes that did
	// not come.
	Cut     bool
	Missing uint32
	// Violation is the rule that this frame breaks, or nil.
	Violation *Violation

	// DATA: DataLength is the length without padding and Pad Length field,
	// in bytes. Body is the start of the data, at most Config.BodyBytes long; it
	// ends before the first byte that was lost or left out. PaddingUnknown says that
	// the Pad Length was not seen; then DataLength is 0 and has no meaning.
	DataLength     uint32
	Body           []byte
	PaddingUnknown bool

	// HEADERS, PUSH_PROMISE, CONTINUATION: BlockEnd is set on the frame that
	// completes a field block. Then Headers holds its fields in wire order,
	// or HeadersError says why it cannot be decoded.
	BlockEnd     bool
	Headers      []hpack.HeaderField
	HeadersError string
	PromisedID   uint32 // PUSH_PROMISE
	// Block is the whole field block as on the wire, if BlockEnd; nil if parts of it
	// were not seen.
	Block []byte

	// HEADERS with the PRIORITY flag, and PRIORITY.
	HasPriority bool
	Priority    Priority

	Settings  []Setting // SETTINGS, in wire order
	Increment uint32    // WINDOW_UPDATE, bytes

	ErrorCode    ErrCode // RST_STREAM, GOAWAY
	LastStreamID uint32  // GOAWAY
	Debug        []byte  // GOAWAY

	Opaque [8]byte // PING

	// PRIORITY_UPDATE (RFC 9218 §7.1): PrioritizedID, FieldValue.
	// ALTSVC (RFC 7838 §4): AltOrigin, FieldValue.
	// ORIGIN (RFC 8336 §2): Origins.
	PrioritizedID uint32
	AltOrigin     []byte
	FieldValue    []byte
	Origins       [][]byte
}

// Credit is the number of bytes that one side may still send on a stream or connection.
// It can be negative (RFC 9113 §6.9.2). The zero value is "unknown".
type Credit struct {
	Bytes int64
	Known bool
}

// Window is the flow-control credit of the connection and of the frame's
// stream, in both directions, after the frame. The stream's credits are
// unknown on stream 0 and on streams that the decoder does not follow.
type Window struct {
	ConnSend, ConnRecv, StreamSend, StreamRecv Credit
}

// Priority is the deprecated stream priority of RFC 7540 §5.3, which RFC 9113
// §6.3 keeps on the wire. Weight is 1 to 256.
type Priority struct {
	DependsOn uint32
	Weight    uint16
	Exclusive bool
}

// Setting is one SETTINGS parameter (RFC 9113 §6.5.1).
type Setting struct {
	ID    SettingID
	Value uint32
}

// Violation is a rule of the protocol that a frame breaks.
type Violation struct {
	Code ErrCode // the error code of an endpoint's answer
	Rule string  // the rule, with its section
	// Malformed says that the message is malformed, which is a stream error and no
	// connection error (RFC 9113 §8.1.1).
	Malformed bool
	// Tolerated says that many endpoints accept it nevertheless.
	Tolerated bool
}

// String returns the violation in one line, such as
// "FRAME_SIZE_ERROR: PING payload is not 8 bytes (RFC 9113 §6.7)".
func (v *Violation) String() string { return fmt.Sprintf("%s: %s", v.Code, v.Rule) }
