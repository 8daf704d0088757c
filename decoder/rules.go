package decoder

func rule(code ErrCode, text string) *Violation { return &Violation{Code: code, Rule: text} }

// The rules that a frame can break. Frames share them: a Violation is read-only.
var (
	ruleFrameSize      = rule(FrameSizeError, "frame is longer than SETTINGS_MAX_FRAME_SIZE (RFC 9113 §4.2)")
	ruleFirstFrame     = rule(ProtocolError, "first frame is not SETTINGS (RFC 9113 §3.4)")
	ruleStrayContinued = rule(ProtocolError, "CONTINUATION does not follow an open field block (RFC 9113 §6.10)")
	ruleStrayIdle      = rule(ProtocolError, "CONTINUATION does not follow an open field block, and is for an idle stream (RFC 9113 §6.10, §5.1)")
	ruleStrayEnd       = rule(ProtocolError, "CONTINUATION does not follow an open field block, and follows its sender's END_STREAM (RFC 9113 §6.10, §5.1)")
	ruleStrayReset     = rule(ProtocolError, "CONTINUATION does not follow an open field block, and follows its sender's RST_STREAM (RFC 9113 §6.10, §5.1)")
	ruleTooShort       = rule(FrameSizeError, "payload is too short for its mandatory fields (RFC 9113 §4.2)")

	// net/http and others accept these.
	ruleSelfDependency       = &Violation{Code: ProtocolError, Rule: "stream depends on itself (RFC 7540 §5.3.1)", Tolerated: true}
	ruleGoAwayGrows          = &Violation{Code: ProtocolError, Rule: "GOAWAY names a higher last stream than one before (RFC 9113 §6.8)", Tolerated: true}
	ruleConnectProtocolTaken = &Violation{Code: ProtocolError, Rule: "ENABLE_CONNECT_PROTOCOL is 0 after 1 (RFC 8441 §3)", Tolerated: true}
	ruleNoPrioritiesChange   = &Violation{Code: ProtocolError, Rule: "NO_RFC7540_PRIORITIES differs from that of the first SETTINGS (RFC 9218 §2.1)", Tolerated: true}

	rulePrioritySize     = rule(FrameSizeError, "PRIORITY payload is not 5 bytes (RFC 9113 §6.3)")
	ruleRSTStreamSize    = rule(FrameSizeError, "RST_STREAM payload is not 4 bytes (RFC 9113 §6.4)")
	ruleSettingsSize     = rule(FrameSizeError, "SETTINGS payload is not a multiple of 6 bytes (RFC 9113 §6.5)")
	ruleSettingsACKSize  = rule(FrameSizeError, "SETTINGS acknowledgement is not empty (RFC 9113 §6.5)")
	rulePingSize         = rule(FrameSizeError, "PING payload is not 8 bytes (RFC 9113 §6.7)")
	ruleGoAwaySize       = rule(FrameSizeError, "GOAWAY payload is shorter than 8 bytes (RFC 9113 §6.8)")
	ruleWindowUpdateSize = rule(FrameSizeError, "WINDOW_UPDATE payload is not 4 bytes (RFC 9113 §6.9)")

	ruleEnablePushValue      = rule(ProtocolError, "ENABLE_PUSH is neither 0 nor 1 (RFC 9113 §6.5.2)")
	ruleEnablePushServer     = rule(ProtocolError, "a server set ENABLE_PUSH to 1 (RFC 9113 §6.5.2)")
	ruleInitialWindowValue   = rule(FlowControlError, "INITIAL_WINDOW_SIZE is over 2^31-1 (RFC 9113 §6.5.2, §6.9.2)")
	ruleMaxFrameSizeValue    = rule(ProtocolError, "MAX_FRAME_SIZE is not between 2^14 and 2^24-1 (RFC 9113 §6.5.2)")
	ruleConnectProtocolValue = rule(ProtocolError, "ENABLE_CONNECT_PROTOCOL is neither 0 nor 1 (RFC 8441 §3)")
	ruleNoPrioritiesValue    = rule(ProtocolError, "NO_RFC7540_PRIORITIES is neither 0 nor 1 (RFC 9218 §2.1)")

	ruleIncrementZero   = rule(ProtocolError, "WINDOW_UPDATE increment is 0 (RFC 9113 §6.9)")
	ruleWindowOverflow  = rule(FlowControlError, "flow-control window exceeds 2^31-1 (RFC 9113 §6.9.1)")
	ruleInitialOverflow = rule(FlowControlError, "INITIAL_WINDOW_SIZE makes a stream's window exceed 2^31-1 (RFC 9113 §6.9.2)")
	ruleConnCredit      = rule(FlowControlError, "DATA is longer than the connection's flow-control window (RFC 9113 §6.9.1)")
	ruleStreamCredit    = rule(FlowControlError, "DATA is longer than the stream's flow-control window (RFC 9113 §6.9.1)")

	ruleEvenID           = rule(ProtocolError, "client opens a stream with an even identifier (RFC 9113 §5.1.1)")
	ruleIdle             = rule(ProtocolError, "frame is for an idle stream (RFC 9113 §5.1)")
	ruleIdleByServer     = rule(ProtocolError, "a server sent HEADERS on an idle stream (RFC 9113 §5.1, §5.1.1)")
	rulePassedOver       = rule(ProtocolError, "stream identifier is below one that was opened (RFC 9113 §5.1.1)")
	ruleAfterEnd         = rule(StreamClosed, "frame follows its sender's END_STREAM (RFC 9113 §5.1)")
	ruleResetIdle        = rule(ProtocolError, "frame is for an idle stream (RFC 9113 §5.1, §6.4)")
	ruleDataAfterEnd     = rule(StreamClosed, "frame follows its sender's END_STREAM (RFC 9113 §5.1, §6.1)")
	ruleDataAfterReset   = rule(StreamClosed, "frame follows its sender's RST_STREAM (RFC 9113 §5.1, §6.1)")
	ruleAfterReset       = rule(StreamClosed, "frame follows its sender's RST_STREAM (RFC 9113 §5.1)")
	ruleReserved         = rule(ProtocolError, "frame is not allowed on a reserved stream (RFC 9113 §5.1)")
	ruleTooManyStreams   = rule(ProtocolError, "stream exceeds MAX_CONCURRENT_STREAMS (RFC 9113 §5.1.2)")
	rulePushByClient     = rule(ProtocolError, "a client sent PUSH_PROMISE (RFC 9113 §8.4)")
	rulePushDisabled     = rule(ProtocolError, "PUSH_PROMISE though ENABLE_PUSH is 0 (RFC 9113 §8.4)")
	rulePromisedID       = rule(ProtocolError, "promised stream is not a new stream of the server (RFC 9113 §6.6)")
	rulePushParent       = rule(ProtocolError, "PUSH_PROMISE is on a stream that is not open for it (RFC 9113 §6.6)")
	rulePriorityUpdateID = rule(ProtocolError, "PRIORITY_UPDATE names stream 0 (RFC 9218 §7.1)")
	rulePriorityIdlePush = rule(ProtocolError, "PRIORITY_UPDATE names a push stream that is idle (RFC 9218 §7.1)")
	rulePriorityUpdateBy = rule(ProtocolError, "a server sent PRIORITY_UPDATE (RFC 9218 §7.1)")

	ruleLateSizeUpdate = rule(CompressionError, "table size update follows a field (RFC 7541 §4.2)")
	ruleSizeUpdate     = rule(CompressionError, "table size update exceeds SETTINGS_HEADER_TABLE_SIZE (RFC 7541 §6.3)")
	// net/http and others accept this.
	ruleNoSizeUpdate = &Violation{Code: CompressionError, Rule: "block lacks the table size update that a smaller HEADER_TABLE_SIZE demands (RFC 9113 §4.3.1)", Tolerated: true}
)
