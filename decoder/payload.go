package decoder

import "encoding/binary"

// parser parses the payload of one frame type into a frame. b is the payload, or the
// part of its beginning that was seen. Size rules use f.Length, its length on the wire.
// A parser checks the size before the stream: it trusts nothing in a frame of the wrong
// size.
type parser func(f *Frame, b []byte) *Violation

// parsers holds the parser of each type. DATA has none, as its payload is not gathered;
// block.go parses the frames that carry field blocks.
var parsers = [len(typeNames)]parser{
	TypePriority:       parsePriority,
	TypeRSTStream:      parseRSTStream,
	TypeSettings:       parseSettings,
	TypePing:           parsePing,
	TypeGoAway:         parseGoAway,
	TypeWindowUpdate:   parseWindowUpdate,
	TypeAltSvc:         parseAltSvc,
	TypeOrigin:         parseOrigin,
	TypePriorityUpdate: parsePriorityUpdate,
}

// streamID parses a 31-bit stream identifier and ignores the reserved bit (RFC 9113
// §4.1).
func streamID(b []byte) uint32 { return binary.BigEndian.Uint32(b) & 0x7fffffff }

// priority parses the five bytes of RFC 9113 §6.3. The wire carries weight - 1.
func priority(b []byte) Priority {
	return Priority{
		DependsOn: streamID(b),
		Weight:    uint16(b[4]) + 1,
		Exclusive: b[0]&0x80 != 0,
	}
}

func onStream(f *Frame) *Violation {
	if f.StreamID == 0 {
		return ruleStreamZero[f.Type]
	}
	return nil
}

func onConnection(f *Frame) *Violation {
	if f.StreamID != 0 {
		return ruleStreamNotZero[f.Type]
	}
	return nil
}

func parsePriority(f *Frame, b []byte) *Violation {
	if f.Length != 5 {
		return rulePrioritySize
	}
	if len(b) >= 5 {
		f.HasPriority = true
		f.Priority = priority(b)
	}
	if v := onStream(f); v != nil {
		return v
	}
	return selfDependency(f)
}

// selfDependency checks the priority of a frame. RFC 9113 §5.3.2 deprecates it, but endpoints
// of RFC 7540 reset such a stream.
func selfDependency(f *Frame) *Violation {
	if f.HasPriority && f.Priority.DependsOn == f.StreamID && f.StreamID != 0 {
		return ruleSelfDependency
	}
	return nil
}

func parseRSTStream(f *Frame, b []byte) *Violation {
	if f.Length != 4 {
		return ruleRSTStreamSize
	}
	if len(b) >= 4 {
		f.ErrorCode = ErrCode(binary.BigEndian.Uint32(b))
	}
	return onStream(f)
}

func parseSettings(f *Frame, b []byte) *Violation {
	if f.Flags.Has(FlagAck) {
		if f.Length != 0 {
			return ruleSettingsACKSize
		}
		return onConnection(f)
	}
	for ; len(b) >= 6; b = b[6:] {
		f.Settings = append(f.Settings, Setting{
			ID:    SettingID(binary.BigEndian.Uint16(b)),
			Value: binary.BigEndian.Uint32(b[2:]),
		})
	}
	if f.Length%6 != 0 {
		return ruleSettingsSize
	}
	return onConnection(f)
}

func parsePing(f *Frame, b []byte) *Violation {
	copy(f.Opaque[:], b)
	if f.Length != 8 {
		return rulePingSize
	}
	return onConnection(f)
}

func parseGoAway(f *Frame, b []byte) *Violation {
	if len(b) >= 8 {
		f.LastStreamID = streamID(b)
		f.ErrorCode = ErrCode(binary.BigEndian.Uint32(b[4:]))
		f.Debug = b[8:]
	}
	if f.Length < 8 {
		return ruleGoAwaySize
	}
	return onConnection(f)
}

func parseWindowUpdate(f *Frame, b []byte) *Violation {
	if f.Length != 4 {
		return ruleWindowUpdateSize
	}
	if len(b) < 4 {
		return nil
	}
	// The top bit is reserved and ignored (RFC 9113 §6.9).
	f.Increment = binary.BigEndian.Uint32(b) & 0x7fffffff
	if f.Increment == 0 {
		return ruleIncrementZero
	}
	return nil
}

// parseAltSvc returns no violation: endpoints ignore a malformed ALTSVC (RFC 7838 §4).
func parseAltSvc(f *Frame, b []byte) *Violation {
	if len(b) < 2 {
		return nil
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n > len(b) {
		n = len(b)
	}
	f.AltOrigin, f.FieldValue = b[:n], b[n:]
	return nil
}

// parseOrigin returns no violation: endpoints ignore a malformed ORIGIN (RFC 8336 §2.1).
func parseOrigin(f *Frame, b []byte) *Violation {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			return nil
		}
		f.Origins = append(f.Origins, b[:n])
		b = b[n:]
	}
	return nil
}

func parsePriorityUpdate(f *Frame, b []byte) *Violation {
	if f.Length < 4 {
		return ruleTooShort
	}
	if v := onConnection(f); v != nil || len(b) < 4 {
		return v
	}
	f.PrioritizedID = streamID(b)
	f.FieldValue = b[4:]
	if f.PrioritizedID == 0 {
		return rulePriorityUpdateID
	}
	return nil
}
