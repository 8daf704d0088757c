package decoder

func rule(code ErrCode, text string) *Violation { return &Violation{Code: code, Rule: text} }

// malformed is a rule that makes a message malformed (RFC 9113 §8.1.1).
func malformed(text string) *Violation {
	return &Violation{Code: ProtocolError, Rule: text, Malformed: true}
}

// tolerated is such a rule that net/http and others do not enforce.
func tolerated(text string) *Violation {
	return &Violation{Code: ProtocolError, Rule: text, Malformed: true, Tolerated: true}
}

// The rules that a frame can break. Frames share them: a Violation is read-only.
var (
	ruleFrameSize      = rule(FrameSizeError, "frame is longer than SETTINGS_MAX_FRAME_SIZE (RFC 9113 §4.2)")
	ruleFirstFrame     = rule(ProtocolError, "first frame is not SETTINGS (RFC 9113 §3.4)")
	ruleInterleaved    = rule(ProtocolError, "field block is interrupted by another frame (RFC 9113 §4.3)")
	ruleStrayContinued = rule(ProtocolError, "CONTINUATION does not follow an open field block (RFC 9113 §6.10)")
	rulePadding        = rule(ProtocolError, "padding is longer than the payload (RFC 9113 §6.1)")
	ruleTooShort       = rule(FrameSizeError, "payload is too short for its mandatory fields (RFC 9113 §4.2)")
	ruleStreamZero     = rule(ProtocolError, "frame needs a stream but names stream 0 (RFC 9113 §6)")
	ruleStreamNotZero  = rule(ProtocolError, "frame concerns the connection but names a stream (RFC 9113 §6)")

	rulePrioritySize     = rule(FrameSizeError, "PRIORITY payload is not 5 bytes (RFC 9113 §6.3)")
	ruleRSTStreamSize    = rule(FrameSizeError, "RST_STREAM payload is not 4 bytes (RFC 9113 §6.4)")
	ruleSettingsSize     = rule(FrameSizeError, "SETTINGS payload is not a multiple of 6 bytes (RFC 9113 §6.5)")
	ruleSettingsACKSize  = rule(FrameSizeError, "SETTINGS acknowledgement is not empty (RFC 9113 §6.5)")
	rulePingSize         = rule(FrameSizeError, "PING payload is not 8 bytes (RFC 9113 §6.7)")
	ruleGoAwaySize       = rule(FrameSizeError, "GOAWAY payload is shorter than 8 bytes (RFC 9113 §6.8)")
	ruleWindowUpdateSize = rule(FrameSizeError, "WINDOW_UPDATE payload is not 4 bytes (RFC 9113 §6.9)")

	ruleEnablePushValue      = rule(ProtocolError, "ENABLE_PUSH is neither 0 nor 1 (RFC 9113 §6.5.2)")
	ruleEnablePushServer     = rule(ProtocolError, "a server set ENABLE_PUSH to 1 (RFC 9113 §6.5.2)")
	ruleInitialWindowValue   = rule(FlowControlError, "INITIAL_WINDOW_SIZE is over 2^31-1 (RFC 9113 §6.5.2)")
	ruleMaxFrameSizeValue    = rule(ProtocolError, "MAX_FRAME_SIZE is not between 2^14 and 2^24-1 (RFC 9113 §6.5.2)")
	ruleConnectProtocolValue = rule(ProtocolError, "ENABLE_CONNECT_PROTOCOL is neither 0 nor 1 (RFC 8441 §3)")
	ruleNoPrioritiesValue    = rule(ProtocolError, "NO_RFC7540_PRIORITIES is neither 0 nor 1 (RFC 9218 §2.1)")

	ruleIncrementZero   = rule(ProtocolError, "WINDOW_UPDATE increment is 0 (RFC 9113 §6.9)")
	ruleWindowOverflow  = rule(FlowControlError, "flow-control window exceeds 2^31-1 (RFC 9113 §6.9.1)")
	ruleInitialOverflow = rule(FlowControlError, "INITIAL_WINDOW_SIZE makes a stream's window exceed 2^31-1 (RFC 9113 §6.9.2)")
	ruleConnCredit      = rule(FlowControlError, "DATA is longer than the connection's flow-control window (RFC 9113 §6.9.1)")
	ruleStreamCredit    = rule(FlowControlError, "DATA is longer than the stream's flow-control window (RFC 9113 §6.9.1)")

	ruleIdle             = rule(ProtocolError, "frame is for an idle stream (RFC 9113 §5.1)")
	rulePassedOver       = rule(ProtocolError, "stream identifier is below one that was opened (RFC 9113 §5.1.1)")
	ruleAfterEnd         = rule(StreamClosed, "frame follows its sender's END_STREAM (RFC 9113 §5.1)")
	ruleAfterReset       = rule(StreamClosed, "frame follows its sender's RST_STREAM (RFC 9113 §5.1)")
	ruleReserved         = rule(ProtocolError, "frame is not allowed on a reserved stream (RFC 9113 §5.1)")
	ruleTooManyStreams   = rule(ProtocolError, "stream exceeds MAX_CONCURRENT_STREAMS (RFC 9113 §5.1.2)")
	rulePushByClient     = rule(ProtocolError, "a client sent PUSH_PROMISE (RFC 9113 §8.4)")
	rulePushDisabled     = rule(ProtocolError, "PUSH_PROMISE though ENABLE_PUSH is 0 (RFC 9113 §8.4)")
	rulePromisedID       = rule(ProtocolError, "promised stream is not a new stream of the server (RFC 9113 §6.6)")
	rulePushParent       = rule(ProtocolError, "PUSH_PROMISE is on a stream that is not open for it (RFC 9113 §6.6)")
	rulePriorityUpdateID = rule(ProtocolError, "PRIORITY_UPDATE names stream 0 (RFC 9218 §7.1)")
	rulePriorityUpdateBy = rule(ProtocolError, "a server sent PRIORITY_UPDATE (RFC 9218 §7.1)")

	ruleLateSizeUpdate = rule(CompressionError, "table size update follows a field (RFC 7541 §4.2)")
	ruleSizeUpdate     = rule(CompressionError, "table size update exceeds SETTINGS_HEADER_TABLE_SIZE (RFC 7541 §6.3)")
	ruleNoSizeUpdate   = rule(CompressionError, "block lacks the table size update that a smaller HEADER_TABLE_SIZE demands (RFC 9113 §4.3.1)")

	ruleTrailersOpen   = malformed("trailers do not end their stream (RFC 9113 §8.1)")
	ruleInterimEnd     = malformed("an interim response ends its stream (RFC 9113 §8.1)")
	ruleDataFirst      = malformed("DATA comes before the header section (RFC 9113 §8.1)")
	ruleHeadContent    = malformed("the response to HEAD has content (RFC 9110 §9.3.2)")
	ruleFieldName      = malformed("field name has a character that none may have (RFC 9113 §8.2.1)")
	ruleUpperCase      = malformed("field name has an uppercase letter (RFC 9113 §8.2.1)")
	ruleFieldValue     = malformed("field value has NUL, CR or LF (RFC 9113 §8.2.1)")
	rulePseudoLate     = malformed("pseudo-header field follows a regular one (RFC 9113 §8.3)")
	rulePseudoTwice    = malformed("pseudo-header field comes twice (RFC 9113 §8.3)")
	rulePseudoUnknown  = malformed("pseudo-header field is not defined (RFC 9113 §8.3)")
	rulePseudoTrailers = malformed("pseudo-header field is in trailers (RFC 9113 §8.3)")
	rulePseudoSide     = malformed("pseudo-header field is one of the other side's (RFC 9113 §8.3)")
	ruleNoPseudo       = malformed("request lacks a mandatory pseudo-header field (RFC 9113 §8.3.1)")
	ruleConnectPseudo  = malformed("CONNECT has :scheme or :path (RFC 9113 §8.5)")
	ruleEmptyPath      = malformed(":path is empty (RFC 9113 §8.3.1)")
	ruleNoStatus       = malformed("response lacks :status (RFC 9113 §8.3.2)")
	ruleStatus         = malformed(":status is no status code (RFC 9113 §8.3.2)")

	ruleFieldSpace      = tolerated("field value begins or ends with white space (RFC 9113 §8.2.1)")
	ruleConnectionField = tolerated("field is specific to a connection of HTTP/1 (RFC 9113 §8.2.2)")
)
