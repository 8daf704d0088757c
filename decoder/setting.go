package decoder

// SettingID names a SETTINGS parameter (RFC 9113 §6.5.2).
type SettingID uint16

// The parameters of RFC 9113 §6.5.2, RFC 8441 (ENABLE_CONNECT_PROTOCOL) and
// RFC 9218 (NO_RFC7540_PRIORITIES).
const (
	SettingHeaderTableSize       SettingID = 0x1
	SettingEnablePush            SettingID = 0x2
	SettingMaxConcurrentStreams  SettingID = 0x3
	SettingInitialWindowSize     SettingID = 0x4
	SettingMaxFrameSize          SettingID = 0x5
	SettingMaxHeaderListSize     SettingID = 0x6
	SettingEnableConnectProtocol SettingID = 0x8
	SettingNoRFC7540Priorities   SettingID = 0x9
)

var settingNames = [...]string{
	SettingHeaderTableSize:       "HEADER_TABLE_SIZE",
	SettingEnablePush:            "ENABLE_PUSH",
	SettingMaxConcurrentStreams:  "MAX_CONCURRENT_STREAMS",
	SettingInitialWindowSize:     "INITIAL_WINDOW_SIZE",
	SettingMaxFrameSize:          "MAX_FRAME_SIZE",
	SettingMaxHeaderListSize:     "MAX_HEADER_LIST_SIZE",
	SettingEnableConnectProtocol: "ENABLE_CONNECT_PROTOCOL",
	SettingNoRFC7540Priorities:   "NO_RFC7540_PRIORITIES",
}

// String returns the parameter as its RFC spells it, without the prefix
// SETTINGS_, or "UNKNOWN_0x2a".
func (id SettingID) String() string {
	if int(id) < len(settingNames) && settingNames[id] != "" {
		return settingNames[id]
	}
	return unknown(uint64(id), 1)
}

// valid returns the rule that a parameter breaks by its value alone, or nil.
// fromServer says that a server sent it.
func (s Setting) valid(fromServer bool) *Violation {
	switch s.ID {
	case SettingEnablePush:
		if s.Value > 1 {
			return ruleEnablePushValue
		}
		// RFC 9113 §6.5.2: a server must not set it to 1.
		if fromServer && s.Value == 1 {
			return ruleEnablePushServer
		}
	case SettingInitialWindowSize:
		if s.Value > maxWindow {
			return ruleInitialWindowValue
		}
	case SettingMaxFrameSize:
		if s.Value < minMaxFrameSize || s.Value > maxMaxFrameSize {
			return ruleMaxFrameSizeValue
		}
	case SettingEnableConnectProtocol:
		if s.Value > 1 {
			return ruleConnectProtocolValue
		}
	case SettingNoRFC7540Priorities:
		if s.Value > 1 {
			return ruleNoPrioritiesValue
		}
	}
	return nil
}
