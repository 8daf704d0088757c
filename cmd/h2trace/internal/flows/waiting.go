package flows

import (
	"bytes"
	"time"

	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	// maxWaiting bounds the segments of a flow that wait for its first byte, and maxWait how
	// long: so long a network may take to send a segment again (RFC 6298 §2.4).
	maxWaiting = 16
	maxWait    = 2 * time.Second
	// maxWaitingBytes bounds those of all flows.
	maxWaitingBytes = 4 << 20
)

// waiting holds segments that overtook the first one of a flow, which shows what the flow
// carries, and the payload of a SYN.
type waiting struct{ list []waitingSegment }

type waitingSegment struct {
	capture.Segment
	at ktime.Time
}

// add keeps a segment, and adds its bytes to those of all flows. It reports false if enough of
// them have waited for long enough.
func (w *waiting) add(s *capture.Segment, at ktime.Time, bytesOfAll *int) bool {
	switch {
	case len(w.list) == maxWaiting, *bytesOfAll+len(s.Payload) > maxWaitingBytes:
		return false
	case len(w.list) > 0 && w.list[0].at.Add(maxWait) < at:
		return false
	}
	own := waitingSegment{*s, at}
	own.Payload = bytes.Clone(s.Payload)
	*bytesOfAll += len(s.Payload)
	w.list = append(w.list, own)
	return true
}

// take returns what waited.
func (w *waiting) take(bytesOfAll *int) []waitingSegment {
	list := w.list
	w.list = nil
	for i := range list {
		*bytesOfAll -= len(list[i].Payload)
	}
	return list
}
