package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Type is a frame type (RFC 9113 §6).
type Type uint8

// The frame types of RFC 9113, and the extensions that h2trace names.
const (
	Data           Type = 0x0
	Headers        Type = 0x1
	Priority       Type = 0x2
	RSTStream      Type = 0x3
	Settings       Type = 0x4
	PushPromise    Type = 0x5
	Ping           Type = 0x6
	GoAway         Type = 0x7
	WindowUpdate   Type = 0x8
	Continuation   Type = 0x9
	AltSvc         Type = 0xa
	Origin         Type = 0xc
	PriorityUpdate Type = 0x10
)

// The flag bits of RFC 9113 §6.
const (
	FlagEndStream  uint8 = 0x1
	FlagAck        uint8 = 0x1
	FlagEndHeaders uint8 = 0x4
	FlagPadded     uint8 = 0x8
	FlagPriority   uint8 = 0x20
)

// SettingInitialWindowSize is the parameter that the model of flow control needs.
const SettingInitialWindowSize uint16 = 0x4

var typeNames = map[Type]string{
	Data: "DATA", Headers: "HEADERS", Priority: "PRIORITY", RSTStream: "RST_STREAM",
	Settings: "SETTINGS", PushPromise: "PUSH_PROMISE", Ping: "PING", GoAway: "GOAWAY",
	WindowUpdate: "WINDOW_UPDATE", Continuation: "CONTINUATION", AltSvc: "ALTSVC",
	Origin: "ORIGIN", PriorityUpdate: "PRIORITY_UPDATE",
}

var flagsOfType = map[Type]map[uint8]string{
	Data:         {FlagEndStream: "END_STREAM", FlagPadded: "PADDED"},
	Headers:      {FlagEndStream: "END_STREAM", FlagEndHeaders: "END_HEADERS", FlagPadded: "PADDED", FlagPriority: "PRIORITY"},
	Settings:     {FlagAck: "ACK"},
	PushPromise:  {FlagEndHeaders: "END_HEADERS", FlagPadded: "PADDED"},
	Ping:         {FlagAck: "ACK"},
	Continuation: {FlagEndHeaders: "END_HEADERS"},
}

var settingNames = map[uint16]string{
	0x1: "HEADER_TABLE_SIZE", 0x2: "ENABLE_PUSH", 0x3: "MAX_CONCURRENT_STREAMS",
	0x4: "INITIAL_WINDOW_SIZE", 0x5: "MAX_FRAME_SIZE", 0x6: "MAX_HEADER_LIST_SIZE",
	0x8: "ENABLE_CONNECT_PROTOCOL", 0x9: "NO_RFC7540_PRIORITIES",
}

var errorNames = map[uint32]string{
	0x0: "NO_ERROR", 0x1: "PROTOCOL_ERROR", 0x2: "INTERNAL_ERROR", 0x3: "FLOW_CONTROL_ERROR",
	0x4: "SETTINGS_TIMEOUT", 0x5: "STREAM_CLOSED", 0x6: "FRAME_SIZE_ERROR", 0x7: "REFUSED_STREAM",
	0x8: "CANCEL", 0x9: "COMPRESSION_ERROR", 0xa: "CONNECT_ERROR", 0xb: "ENHANCE_YOUR_CALM",
	0xc: "INADEQUATE_SECURITY", 0xd: "HTTP_1_1_REQUIRED",
}

// String returns the RFC spelling, or UNKNOWN_0x2a as the contract has it.
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("UNKNOWN_0x%02x", uint8(t))
}

// settingName returns the registered name of a SETTINGS parameter.
func settingName(id uint16) string {
	if s, ok := settingNames[id]; ok {
		return s
	}
	return fmt.Sprintf("UNKNOWN_0x%02x", id)
}

// errorName returns the registered name of an error code.
func errorName(code uint32) string {
	if s, ok := errorNames[code]; ok {
		return s
	}
	return fmt.Sprintf("UNKNOWN_0x%02x", code)
}

func flagNames(t Type, flags uint8) string {
	if flags == 0 {
		return "-"
	}
	var names []string
	for bit := uint8(1); bit != 0; bit <<= 1 {
		if flags&bit == 0 {
			continue
		}
		if s, ok := flagsOfType[t][bit]; ok {
			names = append(names, s)
		} else {
			names = append(names, fmt.Sprintf("0x%x", bit))
		}
	}
	return strings.Join(names, "|")
}

// TypeByName is the inverse of Type.String. It also reads the
// UNKNOWN_FRAME_TYPE_42 of the http2debug log.
func TypeByName(s string) (Type, error) {
	for t, name := range typeNames {
		if name == s {
			return t, nil
		}
	}
	n, err := unknownNumber(s, "UNKNOWN_FRAME_TYPE_", 8)
	return Type(n), err
}

// FlagByName returns the bit of a flag of t, given by name or as 0x40.
func FlagByName(t Type, s string) (uint8, error) {
	for bit, name := range flagsOfType[t] {
		if name == s {
			return bit, nil
		}
	}
	n, err := unknownNumber(s, "", 8)
	return uint8(n), err
}

// SettingByName is the inverse of settingName. It also reads the
// UNKNOWN_SETTING_42 of the http2debug log.
func SettingByName(s string) (uint16, error) {
	for id, name := range settingNames {
		if name == s {
			return id, nil
		}
	}
	n, err := unknownNumber(s, "UNKNOWN_SETTING_", 16)
	return uint16(n), err
}

// ErrorByName is the inverse of errorName. It also reads the "unknown error
// code 0x2a" of the http2debug log.
func ErrorByName(s string) (uint32, error) {
	for code, name := range errorNames {
		if name == s {
			return code, nil
		}
	}
	n, err := unknownNumber(s, "unknown error code ", 32)
	return uint32(n), err
}

// unknownNumber reads a number with no registered name: UNKNOWN_0x2a, the
// bare 0x2a, or what Go prints, which is prefix and the number.
func unknownNumber(s, prefix string, bits int) (uint64, error) {
	digits := s
	if rest, ok := strings.CutPrefix(s, "UNKNOWN_0x"); ok {
		digits = "0x" + rest
	} else if rest, ok := strings.CutPrefix(s, prefix); ok {
		digits = rest
	}
	n, err := strconv.ParseUint(digits, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("unknown name %q", s)
	}
	return n, nil
}
