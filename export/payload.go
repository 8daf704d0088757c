package export

import (
	"strconv"
	"unicode/utf8"

	"h2trace/decoder"
)

// appendPayload appends the keys of each frame type. A field is null if the bytes that
// were seen end before it: the decoder leaves it zero or nil, and zero would be an
// invented value.
func (e *encoder) appendPayload(b []byte, f *decoder.Frame) []byte {
	switch f.Type {
	case decoder.TypeData:
		return e.appendData(b, f)
	case decoder.TypeHeaders, decoder.TypePushPromise, decoder.TypeContinuation:
		return e.appendFieldBlock(b, f)
	case decoder.TypePriority:
		// RFC 9113 §6.3.
		if !f.HasPriority {
			return append(b, `,"priority":null`...)
		}
		return appendPriority(b, &f.Priority)
	case decoder.TypeRSTStream:
		return appendError(b, f, holds(f, 4)) // RFC 9113 §6.4
	case decoder.TypeSettings:
		return appendSettings(b, f)
	case decoder.TypePing:
		b = appendAck(b, f)
		b = appendKey(b, "opaque")
		if !holds(f, 8) { // RFC 9113 §6.7
			return append(b, "null"...)
		}
		return appendHex(b, f.Opaque[:])
	case decoder.TypeGoAway:
		return e.appendGoAway(b, f)
	case decoder.TypeWindowUpdate:
		b = appendKey(b, "increment")
		if !holds(f, 4) { // RFC 9113 §6.9
			return append(b, "null"...)
		}
		return strconv.AppendUint(b, uint64(f.Increment), 10)
	case decoder.TypePriorityUpdate:
		b = appendKey(b, "prioritized_stream")
		if f.FieldValue == nil {
			return append(b, `null,"field_value":null`...)
		}
		b = strconv.AppendUint(b, uint64(f.PrioritizedID), 10)
		return e.appendBytes(b, "field_value", f.FieldValue)
	case decoder.TypeAltSvc:
		if f.AltOrigin == nil {
			return append(b, `,"origin":null,"field_value":null`...)
		}
		b = e.appendBytes(b, "origin", f.AltOrigin)
		return e.appendBytes(b, "field_value", f.FieldValue)
	case decoder.TypeOrigin:
		return e.appendOrigins(b, f.Origins)
	}
	return b
}

// holds reports whether a payload of fixed size was seen whole.
func holds(f *decoder.Frame, size uint32) bool { return f.Length == size && !f.Truncated }

func (e *encoder) appendData(b []byte, f *decoder.Frame) []byte {
	b = append(b, `,"data_length":`...)
	if f.PaddingUnknown {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendUint(b, uint64(f.DataLength), 10)
	}
	switch {
	case !e.bodies:
		return b
	case utf8.Valid(f.Body):
		b, _ = appendString(appendKey(b, "body"), f.Body)
		return b
	}
	return appendBase64(appendKey(b, "body_b64"), f.Body)
}

func appendPriority(b []byte, p *decoder.Priority) []byte {
	b = append(b, `,"priority":{"depends_on":`...)
	b = strconv.AppendUint(b, uint64(p.DependsOn), 10)
	b = append(b, `,"weight":`...)
	b = strconv.AppendUint(b, uint64(p.Weight), 10)
	b = append(b, `,"exclusive":`...)
	b = strconv.AppendBool(b, p.Exclusive)
	return append(b, '}')
}

func appendAck(b []byte, f *decoder.Frame) []byte {
	b = append(b, `,"ack":`...)
	return strconv.AppendBool(b, f.Flags&decoder.FlagAck != 0)
}

func appendError(b []byte, f *decoder.Frame, known bool) []byte {
	if !known {
		return append(b, `,"error":null,"error_code":null`...)
	}
	b = append(b, `,"error":"`...)
	b = append(b, f.ErrorCode.String()...)
	b = append(b, `","error_code":`...)
	return strconv.AppendUint(b, uint64(f.ErrorCode), 10)
}

// appendGoAway appends a GOAWAY payload (RFC 9113 §6.8). Debug of a truncated one is not
// nil if the decoder has read the fields before it.
func (s *screen) appendGoAway(b []byte, f *decoder.Frame) []byte {
	if f.Length < 8 || f.Truncated && f.Debug == nil {
		return append(appendError(b, f, false), `,"last_stream":null,"debug":null`...)
	}
	b = appendError(b, f, true)
	b = append(b, `,"last_stream":`...)
	b = strconv.AppendUint(b, uint64(f.LastStreamID), 10)
	return s.appendBytes(b, "debug", f.Debug)
}

func (s *screen) appendOrigins(b []byte, origins [][]byte) []byte {
	exact := true
	b = append(b, `,"origins":[`...)
	for i, origin := range origins {
		if i > 0 {
			b = append(b, ',')
		}
		var valid bool
		b, valid = appendString(b, s.clean(origin))
		exact = exact && valid
	}
	b = append(b, ']')
	if exact {
		return b
	}
	b = append(b, `,"origins_b64":[`...)
	for i, origin := range origins {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBase64(b, s.clean(origin))
	}
	return append(b, ']')
}
