package exchange

import "h2trace/decoder"

// malformed takes the rule that a frame of a message breaks (RFC 9113 §8.1.1). The reset
// in answer to it may come after both sides are complete. A frame that cannot be decoded is the
// end of the connection, which also comes later.
func (t *Tracker) malformed(o *open, f *decoder.Frame) {
	v := f.Violation
	switch {
	case v == nil || v.Tolerated:
		return
	case !v.Malformed && v.Code != decoder.CompressionError && v.Code != decoder.FrameSizeError:
		return
	case f.Dir == t.client:
		o.failed(ClassProtocol, "request: "+v.Rule)
	default:
		o.failed(ClassProtocol, v.Rule)
	}
}

// violated remembers the last rule that a side broke, if no message is malformed by it. Such a breach
// ends the connection, or a stream (RFC 9113 §5.4). If the other side goes on, it did not mind.
func (t *Tracker) violated(f *decoder.Frame) {
	if v := f.Violation; v != nil {
		if !v.Malformed && !v.Tolerated {
			t.broken[f.Dir] = v
		}
		return
	}
	switch f.Type {
	case decoder.TypeHeaders, decoder.TypeWindowUpdate, decoder.TypeSettings, decoder.TypePing:
		t.broken[f.Dir^1] = nil
	}
}

// because returns the rule that a side broke, and that the other objects to with an error code, as
// the end of a detail.
func (t *Tracker) because(d decoder.Direction, code decoder.ErrCode) string {
	if v := t.broken[d]; v != nil && v.Code == code {
		return ": " + v.Rule
	}
	return ""
}
