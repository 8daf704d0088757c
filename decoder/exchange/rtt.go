package exchange

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// roundTrip is the least time in which the peer answered SETTINGS or PING, which it answers
// at once. It is an upper bound of the round-trip time.
type roundTrip struct {
	least   time.Duration // 0 without an answer so far
	pending ktime.Time    // time of the unacknowledged SETTINGS
	ping    ktime.Time    // likewise
	opaque  [8]byte
}

func (r *roundTrip) frame(f *decoder.Frame) {
	ack := f.Flags.Has(decoder.FlagAck)
	switch {
	case f.Type == decoder.TypeSettings && f.Dir == decoder.Send && !ack:
		r.pending = f.Time
	case f.Type == decoder.TypeSettings && f.Dir == decoder.Recv && ack:
		r.answered(&r.pending, f.Time)
	case f.Type == decoder.TypePing && f.Dir == decoder.Send && !ack:
		r.ping, r.opaque = f.Time, f.Opaque
	case f.Type == decoder.TypePing && f.Dir == decoder.Recv && ack && f.Opaque == r.opaque:
		r.answered(&r.ping, f.Time)
	}
}

func (r *roundTrip) answered(asked *ktime.Time, at ktime.Time) {
	if *asked == 0 {
		return
	}
	if took := at.Sub(*asked); took >= 0 && (r.least == 0 || took < r.least) {
		r.least = max(took, 1)
	}
	*asked = 0
}
