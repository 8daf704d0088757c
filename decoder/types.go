package decoder

import "strconv"

// Type is a frame type (RFC 9113 §6, §11.2).
type Type uint8

// The frame types of RFC 9113, RFC 7838 (ALTSVC), RFC 8336 (ORIGIN) and
// RFC 9218 (PRIORITY_UPDATE).
const (
	TypeData           Type = 0x00
	TypeHeaders        Type = 0x01
	TypePriority       Type = 0x02
	TypeRSTStream      Type = 0x03
	TypeSettings       Type = 0x04
	TypePushPromise    Type = 0x05
	TypePing           Type = 0x06
	TypeGoAway         Type = 0x07
	TypeWindowUpdate   Type = 0x08
	TypeContinuation   Type = 0x09
	TypeAltSvc         Type = 0x0a
	TypeOrigin         Type = 0x0c
	TypePriorityUpdate Type = 0x10
)

var typeNames = [...]string{
	TypeData:           "DATA",
	TypeHeaders:        "HEADERS",
	TypePriority:       "PRIORITY",
	TypeRSTStream:      "RST_STREAM",
	TypeSettings:       "SETTINGS",
	TypePushPromise:    "PUSH_PROMISE",
	TypePing:           "PING",
	TypeGoAway:         "GOAWAY",
	TypeWindowUpdate:   "WINDOW_UPDATE",
	TypeContinuation:   "CONTINUATION",
	TypeAltSvc:         "ALTSVC",
	TypeOrigin:         "ORIGIN",
	TypePriorityUpdate: "PRIORITY_UPDATE",
}

// String returns the type as the RFCs spell it, or "UNKNOWN_0x2a".
func (t Type) String() string {
	if t.known() {
		return typeNames[t]
	}
	return unknown(uint64(t), 2)
}

// known reports whether t is one of the types that this package decodes.
func (t Type) known() bool { return int(t) < len(typeNames) && typeNames[t] != "" }

// unknown names a number that no RFC gave a name, in at least width digits.
func unknown(n uint64, width int) string {
	s := strconv.FormatUint(n, 16)
	for len(s) < width {
		s = "0" + s
	}
	return "UNKNOWN_0x" + s
}
