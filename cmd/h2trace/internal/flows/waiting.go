package flows

import (
	"bytes"

	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	// maxWaiting bounds the segments of a flow that wait for its first byte, and maxWait how
	// long: so long a network may take to send a segment again (RFC 6298 §2.4).
	maxWaiting = 16
	maxWait    = ktime.Time(2e9)
)

// waiting holds segments that overtook the first one of a flow, which shows what the flow
// carries.
type waiting struct {
	list  []capture.Segment
	since ktime.Time
}

// add keeps a segment. It reports false if enough of them have waited for long enough.
func (w *waiting) add(s *capture.Segment, at ktime.Time) bool {
	if len(w.list) == 0 {
		w.since = at
	}
	if len(w.list) == maxWaiting || w.since+maxWait < at {
		return false
	}
	own := *s
	own.Payload = bytes.Clone(s.Payload)
	w.list = append(w.list, own)
	return true
}

// take returns what waited.
func (w *waiting) take() []capture.Segment {
	list := w.list
	w.list = nil
	return list
}
