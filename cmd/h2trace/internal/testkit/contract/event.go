// Package contract reads the JSON Lines of h2trace, and checks every line with the
// published schema (export/schema), and the whole with what no schema of lines can say.
package contract

import (
	"encoding/json"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// Event is one line. Missing fields are zero; Raw keeps the line for messages.
type Event struct {
	V     int    `json:"v"`
	TS    string `json:"ts"`
	Event string `json:"event"`
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	Conn  string `json:"conn"`

	Action   string `json:"action"`
	Reason   string `json:"reason"`
	Exe      string `json:"exe"`
	ExitCode *int   `json:"exit_code"`

	Local         string `json:"local"`
	Remote        string `json:"remote"`
	Role          string `json:"role"`
	Protocol      string `json:"protocol"`
	Joined        string `json:"joined"`
	BytesSent     *int64 `json:"bytes_sent"`
	BytesReceived *int64 `json:"bytes_received"`
	// Frames is a number on a closed connection and on summary.
	Frames *int64 `json:"frames"`

	FrameKeys
	SummaryKeys

	Line int    `json:"-"` // in the output, from 1
	Raw  string `json:"-"`
}

// FrameKeys are the keys of a frame line.
type FrameKeys struct {
	Dir          string          `json:"dir"`
	Stream       uint32          `json:"stream"`
	Type         string          `json:"type"`
	Flags        []string        `json:"flags"`
	Length       uint32          `json:"length"`
	DataLength   uint32          `json:"data_length"`
	Headers      []Header        `json:"headers"`
	HeadersError string          `json:"headers_error"`
	Settings     json.RawMessage `json:"settings"`
	// SettingsWire lists every parameter when one is repeated.
	SettingsWire []wireSetting   `json:"settings_wire"`
	Increment    uint32          `json:"increment"`
	Error        json.RawMessage `json:"error"`
	ErrorCode    uint32          `json:"error_code"`
	LastStream   uint32          `json:"last_stream"`
	Debug        string          `json:"debug"`
	DebugBytes   []byte          `json:"debug_b64"`
	Opaque       string          `json:"opaque"`
	Window       Window          `json:"window"`
	Truncated    bool            `json:"truncated"`
	Violation    string          `json:"violation"`
}

// Header is one field of a header list. The bytes are set where the text is not
// exact.
type Header struct {
	Name         string `json:"name"`
	NameBytes    []byte `json:"name_b64"`
	Value        string `json:"value"`
	ValueBytes   []byte `json:"value_b64"`
	NeverIndexed bool   `json:"never_indexed"`
}

// Field returns the field in the bytes on the wire.
func (h *Header) Field() wire.Field {
	f := wire.Field{Name: h.Name, Value: h.Value}
	if h.NameBytes != nil {
		f.Name = string(h.NameBytes)
	}
	if h.ValueBytes != nil {
		f.Value = string(h.ValueBytes)
	}
	return f
}

type wireSetting struct {
	Name  string `json:"name"`
	Value uint32 `json:"value"`
}

// Window is the flow-control credit after a frame; nil is unknown.
type Window struct {
	ConnSend   *int64 `json:"conn_send"`
	ConnRecv   *int64 `json:"conn_recv"`
	StreamSend *int64 `json:"stream_send"`
	StreamRecv *int64 `json:"stream_recv"`
}

// UnmarshalJSON implements json.Unmarshaler. The window of a stall is a number, which
// it ignores.
func (w *Window) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	type plain Window
	return json.Unmarshal(b, (*plain)(w))
}

// SummaryKeys are the keys of loss and summary that tests read.
type SummaryKeys struct {
	// Records is a number on loss and an object on summary.
	Records json.RawMessage `json:"records"`
	Bytes   json.RawMessage `json:"bytes"`
	// Exchanges is on summary.
	Exchanges *int64 `json:"exchanges"`
	// Verify is nil without --verify.
	Verify *Verified `json:"verify"`
	// Packets is nil without --pcap.
	Packets *Packets `json:"packets"`
}

// Verified is the result of verifying headers.
type Verified struct {
	Blocks     int `json:"blocks"`
	Fields     int `json:"fields"`
	Mismatches int `json:"mismatches"`
	Unchecked  int `json:"unchecked"`
}

// Packets counts what --pcap wrote.
type Packets struct {
	Written int `json:"written"`
	Lost    int `json:"lost"`
}

// Records is the balance that summary prints.
type Records struct {
	Seen      int64 `json:"seen"`
	Delivered int64 `json:"delivered"`
	Lost      int64 `json:"lost"`
}

// Balance returns the records of a summary.
func (e *Event) Balance() (Records, error) {
	var r Records
	err := json.Unmarshal(e.Records, &r)
	return r, err
}

// Direction returns the direction of a frame line.
func (e *Event) Direction() wire.Dir {
	if e.Dir == "recv" {
		return wire.Recv
	}
	return wire.Send
}
