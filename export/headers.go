package export

import (
	"strconv"

	"h2trace/decoder"
)

// appendFieldBlock appends the payload of HEADERS, PUSH_PROMISE and CONTINUATION. The
// frame that completes the block has the fields.
func (s *screen) appendFieldBlock(b []byte, f *decoder.Frame) []byte {
	switch {
	case f.HeadersError != "":
		b = append(b, `,"headers":null`...)
		b = s.appendBytes(b, "headers_error", []byte(f.HeadersError))
	case f.BlockEnd:
		b = append(b, `,"headers":[`...)
		for i := range f.Headers {
			if i > 0 {
				b = append(b, ',')
			}
			b = s.appendField(b, &f.Headers[i])
		}
		b = append(b, ']')
	}
	if f.Type == decoder.TypePushPromise {
		b = append(b, `,"promised_stream":`...)
		if f.PromisedID == 0 && (f.Truncated || f.Length < 4) { // RFC 9113 §6.6
			b = append(b, "null"...)
		} else {
			b = strconv.AppendUint(b, uint64(f.PromisedID), 10)
		}
	}
	if f.HasPriority {
		b = appendPriority(b, &f.Priority)
	}
	return b
}
