package exchange

import (
	"strconv"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// open is an exchange that has not ended. Tens of thousands may be open at once, so state
// that few of them need is allocated on demand.
type open struct {
	Exchange
	older, newer *open // by their beginning
	place        int32 // in byID
	cost         int32 // its share of the budget

	over   [2]bool // by direction: its message is complete
	ending [2]bool // END_STREAM came, but the field block is incomplete
	// unsure is set for a direction that may have become complete in unseen bytes.
	unsure  [2]bool
	partial bool // body bytes may be missing
	hidden  bool // the head of the response may be missing
	skipped bool // so may all of the response that no frame shows
	traced  bool // the request had a field traceparent
	unclear bool // the latest byte of the response came at some time before came
	losses  [2]uint32

	sent ktime.Time // time of the latest byte of the request
	came ktime.Time // the latest byte of the response
	// before is how long the connection had been stalled, by direction, when the
	// exchange began.
	before [2]time.Duration
	flow   *flow // nil before the first DATA or WINDOW_UPDATE
	// settings is the HTTP2-Settings field of a request on HTTP/1.1.
	settings string
	alike    *open // the next with the same request, see waiting
	early    int32 // held bytes that came after its response, see upgrade
}

// certain reports whether the end of an exchange was certainly not missed.
func (o *open) certain() bool {
	for d := range o.over {
		if !o.over[d] && o.unsure[d] {
			return false
		}
	}
	return true
}

// goesOn says that a direction has more to send.
func (o *open) goesOn(d decoder.Direction) { o.unsure[d] = false }

// giveUp sets the times of an incomplete exchange up to its end at, which is 0 if unknown.
func (o *open) giveUp(client decoder.Direction, at ktime.Time) {
	server := client ^ 1
	if !o.over[client] && !o.unsure[client] {
		o.RequestEnd = o.sent
	}
	switch {
	case at == 0 || o.over[server] || o.unsure[server]:
	case o.Response != 0:
		o.ResponseEnd = at
		if !o.hidden && !o.partial && !o.unclear {
			o.Latest = max(o.came, o.Response)
		}
	default:
		o.Unanswered = !o.hidden
	}
}

// order keeps an end from coming before its beginning. After a loss the frames of one
// direction are found late, and may have the time of a later frame.
func (o *open) order() {
	if o.RequestEnd != 0 {
		o.Start = min(o.Start, o.RequestEnd)
	}
	if o.ResponseEnd != 0 {
		o.Response = min(o.Response, o.ResponseEnd)
	}
	if o.End != 0 {
		o.End = max(o.End, o.Start, o.RequestEnd, o.Response, o.ResponseEnd)
	}
}

// failed sets the error of an exchange that ended before its response was complete. An
// error status has precedence: a client need not read its body.
func (o *open) failed(c Class, detail string) {
	if o.judge(); o.Error == nil {
		o.Error = &Error{c, detail}
	}
}

// judge sets the error of an exchange by its status.
func (o *open) judge() {
	switch o.Status / 100 {
	case 4:
		o.Error = &Error{ClassHTTP4xx, strconv.Itoa(o.Status)}
	case 5:
		o.Error = &Error{ClassHTTP5xx, strconv.Itoa(o.Status)}
	}
}
