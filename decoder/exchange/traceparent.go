package exchange

import "strings"

// TraceParent is the trace context of a request, as the field traceparent has it (W3C Trace
// Context §3.2): version, trace id, parent id and flags, 55 bytes. "" is none.
type TraceParent string

// traceParentLength is the length of a TraceParent. Fields of later versions may be longer.
const traceParentLength = len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

// ParseTraceParent returns the trace context that a value names. Of a later version it returns the
// parts that all versions have. It returns "" for values that receivers must ignore: others may
// have written them.
func ParseTraceParent(value string) TraceParent {
	value = strings.Trim(value, " \t")
	if len(value) < traceParentLength {
		return ""
	}
	head, rest := value[:traceParentLength], value[traceParentLength:]
	version, ids, flags := head[:2], head[3:52], head[53:]
	trace, parent := ids[:32], ids[33:]
	switch {
	case head[2] != '-' || ids[32] != '-' || head[52] != '-':
		return ""
	case !isLowerHex(version) || !isLowerHex(trace) || !isLowerHex(parent) || !isLowerHex(flags):
		return ""
	case version == "ff" || strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "":
		return ""
	case version == "00" && rest != "", rest != "" && rest[0] != '-':
		return ""
	}
	return TraceParent(strings.Clone(head)) // value may be part of something large
}

// traceParent takes a field traceparent. Several of them are as good as none (§3.2).
func (o *open) traceParent(value string) {
	if o.traced {
		o.TraceParent = ""
		return
	}
	o.traced, o.TraceParent = true, ParseTraceParent(value)
}

func isLowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
