package decoder

// typeRules holds a rule for each frame type, with the section of the type.
type typeRules [len(typeNames)]*Violation

// typeSections are the sections that define the frames whose layout this package checks.
var typeSections = [len(typeNames)]string{
	TypeData:           "RFC 9113 §6.1",
	TypeHeaders:        "RFC 9113 §6.2",
	TypePriority:       "RFC 9113 §6.3",
	TypeRSTStream:      "RFC 9113 §6.4",
	TypeSettings:       "RFC 9113 §6.5",
	TypePushPromise:    "RFC 9113 §6.6",
	TypePing:           "RFC 9113 §6.7",
	TypeGoAway:         "RFC 9113 §6.8",
	TypeWindowUpdate:   "RFC 9113 §6.9",
	TypeContinuation:   "RFC 9113 §6.10",
	TypePriorityUpdate: "RFC 9218 §7.1",
}

// byType makes the rule of each type.
func byType(text string) (r typeRules) {
	for t, section := range typeSections {
		if section != "" {
			r[t] = rule(ProtocolError, text+" ("+section+")")
		}
	}
	return r
}

var (
	ruleStreamZero    = byType("frame needs a stream but names stream 0")
	ruleStreamNotZero = byType("frame concerns the connection but names a stream")
	rulePadding       = byType("padding is longer than the payload")
)

const interrupted = "field block is interrupted by another frame (RFC 9113 §4.3, "

// ruleInterrupted is by the type of the frame before, which the others must not follow.
var ruleInterrupted = typeRules{
	TypeHeaders:      rule(ProtocolError, interrupted+"§6.2)"),
	TypePushPromise:  rule(ProtocolError, interrupted+"§6.6)"),
	TypeContinuation: rule(ProtocolError, interrupted+"§6.10)"),
}

// ruleInterruptedBy is for extension frames.
var ruleInterruptedBy = rule(ProtocolError, interrupted+"§5.5)")

// interrupts returns the rule that a frame of type t breaks after one of type last with an open
// field block.
func interrupts(t, last Type) *Violation {
	switch {
	case t > TypeContinuation:
		return ruleInterruptedBy
	case t == TypeContinuation: // of another stream
		return ruleInterrupted[TypeContinuation]
	}
	return ruleInterrupted[last]
}
